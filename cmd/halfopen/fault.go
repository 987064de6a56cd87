package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"halfopen/internal/hand"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

func newFault() *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:   "fault",
		Short: "Switch and add faults in a lab that runs or is held",
		Long: `Switch the faults of a lab of halfopen shell, and add others. Each change is an
event of the trace, and drawn in the ladder. A run whose faults were changed by
hand fails.
The events of the scenario go on to switch its faults.

If several labs run, name one by --lab; a message lists them.`,
		Example: `  halfopen fault list
  halfopen fault off loss
  halfopen fault on --lab 2 silent
  halfopen fault add 'drop SYN to server first 2'`,
		Annotations: onlyLinux,
		Args:        onlyCommands,
		RunE:        func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&id, "lab", "", "switch faults of the lab with this `ID`")
	register(cmd, map[string]cobra.CompletionFunc{"lab": completeLab})
	for _, state := range []string{"on", "off"} {
		cmd.AddCommand(&cobra.Command{
			Use:               state + " NAME",
			Short:             "Switch a fault " + state,
			Annotations:       onlyLinux,
			Args:              one("fault"),
			ValidArgsFunction: completeFault(state == "off"),
			RunE: func(cmd *cobra.Command, args []string) error {
				return switchFault(id, args[0], state, cmd.OutOrStdout())
			},
		})
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "add WORD...",
		Short: "Add a fault, in words, and put it in force",
		Long: `Add a fault to a lab, and put it in force: an action, and which packets it
strikes and when. docs/scenario-language.md has the words, under Phrases. The
name of the fault is printed. after and for count time from now, first and nth
packets from now. The fault cannot wait for an event. It strikes in a queue,
whatever its action is.`,
		Example: `  halfopen fault add 'drop SYN to server first 2'
  halfopen fault add delay 200ms from server for 5s
  halfopen fault add reset DATA`,
		Annotations: onlyLinux,
		Args:        some("word"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var words []cobra.Completion
			if len(args) == 0 {
				for _, a := range language.PhraseActions() {
					words = append(words, cobra.CompletionWithDesc(a.Word, a.About))
				}
			}
			return words, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return addFault(id, args, cmd.OutOrStdout())
		},
	})
	cmd.AddCommand(&cobra.Command{
		Use:         "list",
		Short:       "List the faults of a lab, their states and their hits",
		Annotations: onlyLinux,
		Args:        cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return listFaults(id, cmd.OutOrStdout())
		},
	})
	return cmd
}

// askLab sends a request to the lab that an ID names, and returns its answer.
func askLab(id string, r hand.Request) (*hand.Reply, error) {
	lab, err := pickLab(id)
	if err != nil {
		return nil, err
	}
	conn, err := hand.Dial(lab)
	if err != nil {
		return nil, &statusError{statusFailed, err}
	}
	defer conn.Close()
	r.Lab = lab.Number
	reply, err := conn.Ask(r, nil)
	if err != nil {
		return nil, endOf(nil, err)
	}
	return reply, nil
}

func switchFault(id, name, state string, out io.Writer) error {
	reply, err := askLab(id, hand.Request{Op: hand.OpSwitch, Fault: name, On: state == "on"})
	if err != nil {
		return err
	}
	already := ""
	if reply.Same {
		already = " already"
	}
	fmt.Fprintf(out, "fault %s is%s %s\n", say.Printable(name), already, state)
	return nil
}

// addFault adds a fault. A phrase may be one argument, or one a word.
func addFault(id string, args []string, out io.Writer) error {
	phrase := args[0]
	if len(args) > 1 {
		for i, arg := range args {
			args[i] = phraseWord(arg)
		}
		phrase = strings.Join(args, " ")
	}
	if _, err := language.ParsePhrase(phrase); err != nil {
		return &statusError{statusUsage, err}
	}
	reply, err := askLab(id, hand.Request{Op: hand.OpAdd, Phrase: phrase})
	if err != nil {
		return err
	}
	for _, f := range reply.Faults {
		state := "on"
		if !f.On {
			state = "not in force yet"
		}
		fmt.Fprintf(out, "fault %s is added, and %s\n", say.Printable(f.Name), state)
	}
	return nil
}

func listFaults(id string, out io.Writer) error {
	reply, err := askLab(id, hand.Request{Op: hand.OpFaults})
	if err != nil {
		return err
	}
	if len(reply.Faults) == 0 {
		fmt.Fprintln(out, "no faults")
	}
	columns := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range reply.Faults {
		state := "off"
		if f.On {
			state = "on"
		}
		fmt.Fprintf(columns, "%s\t%-3s\t%s\t%s\n",
			say.Printable(f.Name), state, say.Count(f.Hits, "hit"), say.Printable(f.What))
	}
	return columns.Flush()
}

// completeFault offers the faults of the lab that are in force, or those that are not.
func completeFault(on bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		id, _ := cmd.Flags().GetString("lab")
		reply, err := askLab(id, hand.Request{Op: hand.OpFaults})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []cobra.Completion
		for _, f := range reply.Faults {
			if f.On == on && strings.HasPrefix(f.Name, toComplete) {
				names = append(names, cobra.CompletionWithDesc(f.Name, say.Printable(f.What)))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
