package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"halfopen/internal/kernel"
	"halfopen/internal/report"
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
	var format string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the kernels that halfopen run --kernel can boot",
		Long: `List the running kernel, the kernels that can be booted in a virtual machine
(from /boot and from the cache that halfopen kernel get fills), and the kernels
that halfopen kernel get can download from the machine's package archive. With
--format json, each is a record.`,
		Annotations: onlyLinux,
		Args:        cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := isJSON(format)
			if err != nil {
				return err
			}
			write := printKernels
			if asJSON {
				write = writeKernels
			}
			return listKernels(cmd.Context(), cmd.OutOrStdout(), write)
		},
	}
	formatFlag(cmd, &format)
	return cmd
}

// listKernels passes the kernels to write, those that are known first, and then those that can be
// downloaded, or why none can.
func listKernels(
	ctx context.Context, out io.Writer, write func(io.Writer, []report.Kernel, error) error,
) error {
	release, _, err := kernel.Uname()
	if err != nil {
		return err
	}
	all := []report.Kernel{{Version: release, State: report.KernelRunning}}
	known, err := vm.Kernels()
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, k := range known {
		have[k.Version] = true
		all = append(all, report.Kernel{
			Version: k.Version, State: report.KernelBootable, Where: k.Where, Image: k.Image,
		})
	}
	available, err := vm.Available(ctx)
	for _, version := range available {
		if !have[version] {
			all = append(all, report.Kernel{Version: version, State: report.KernelAvailable})
		}
	}
	return write(out, all, err)
}

// printKernels prints kernels for people.
func printKernels(out io.Writer, all []report.Kernel, none error) error {
	p := &page{w: out}
	for _, k := range all {
		switch k.State {
		case report.KernelRunning:
			p.line("%-36s  running", k.Version)
		case report.KernelBootable:
			p.line("%-36s  %s: %s", k.Version, k.Where, k.Image)
		default:
			p.line("%-36s  available: halfopen kernel get %s", k.Version, k.Version)
		}
	}
	if none != nil && p.err == nil {
		_, p.err = fmt.Fprintf(out, "\nNo kernels can be downloaded here: %s\n", say.ErrorLines(none))
	}
	return p.err
}

// writeKernels writes kernels as records.
func writeKernels(out io.Writer, all []report.Kernel, none error) error {
	for i := range all {
		if err := report.WriteRecord(out, report.KernelRecord, &all[i]); err != nil {
			return err
		}
	}
	last := &report.Archive{OK: none == nil}
	if none != nil {
		last.Why = none.Error()
	}
	return report.WriteRecord(out, report.ArchiveRecord, last)
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
