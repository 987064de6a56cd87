package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"halfopen/internal/kernel"
	"halfopen/internal/say"
	"halfopen/internal/vm"
)

func newKernel() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kernel",
		Short: "List and download kernels for virtual machines",
		Args:  onlyCommands,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKernelList(), newKernelGet())
	return cmd
}

func newKernelList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the kernels that halfopen run --kernel can boot",
		Long: `List the running kernel, the kernels that can be booted in a virtual machine
(from /boot and from the cache that halfopen kernel get fills), and the kernels
that halfopen kernel get can download from the machine's package archive.`,
		Annotations: onlyLinux,
		Args:        cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			release, _, err := kernel.Uname()
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%-36s  running\n", release)
			known, err := vm.Kernels()
			if err != nil {
				return err
			}
			have := map[string]bool{}
			for _, k := range known {
				have[k.Version] = true
				fmt.Fprintf(out, "%-36s  %s: %s\n", k.Version, k.Where, say.Printable(k.Image))
			}
			available, err := vm.Available(cmd.Context())
			if err != nil {
				_, err = fmt.Fprintf(out, "\nNo kernels can be downloaded here: %s\n", say.ErrorLines(err))
				return err
			}
			for _, version := range available {
				if !have[version] {
					fmt.Fprintf(out, "%-36s  available: halfopen kernel get %s\n", version, version)
				}
			}
			return nil
		},
	}
}

func newKernelGet() *cobra.Command {
	return &cobra.Command{
		Use:   "get [VERSION]",
		Short: "Download a kernel from the package archive into the cache",
		Long: `Download a kernel from the machine's package archive into the user's cache
directory: the newest kernel for clouds, or the newest whose version begins with
VERSION. apt-get downloads and verifies the package. Nothing is installed, and
root is not needed.`,
		Example:     "  halfopen kernel get\n  halfopen kernel get 6.1",
		Annotations: onlyLinux,
		Args:        cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			version := ""
			if len(args) > 0 {
				version = args[0]
			}
			ctx, stop := interruptible(cmd.Context(), ending{
				first:  func() { fmt.Fprintln(cmd.ErrOrStderr(), "halfopen: interrupted") },
				second: func() {},
			})
			defer stop()
			k, err := vm.Fetch(ctx, version, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is in %s\n", k.Version, say.Printable(k.Image))
			return err
		},
	}
}
