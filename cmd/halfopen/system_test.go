package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// A new command is in one of the two lists: it works everywhere, or it says that it needs Linux.
func TestCommandsOnOtherSystems(t *testing.T) {
	root := newRoot()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("bash")
	wantWorking := []string{
		"halfopen", "halfopen check", "halfopen completion", "halfopen completion bash", "halfopen completion fish",
		"halfopen completion powershell", "halfopen completion zsh", "halfopen help", "halfopen inspect",
		"halfopen kernel", "halfopen list", "halfopen merge", "halfopen schema", "halfopen show", "halfopen version",
	}
	wantRefused := []string{
		"halfopen doctor", "halfopen enter", "halfopen fault", "halfopen fault add", "halfopen fault list",
		"halfopen fault off", "halfopen fault on", "halfopen kernel get", "halfopen kernel list", "halfopen rerun", "halfopen run",
		"halfopen shell", "halfopen try",
	}
	for _, system := range []string{"darwin", "windows"} {
		var working, refused []string
		walkCommands(root, func(cmd *cobra.Command) {
			switch err := checkSystem(cmd, system); {
			case err == nil:
				working = append(working, cmd.CommandPath())
			case statusOf(err) != statusMissing:
				t.Errorf("%s on %s ends with %d, want %d", cmd.CommandPath(), system, statusOf(err), statusMissing)
			default:
				refused = append(refused, cmd.CommandPath())
			}
		})
		slices.Sort(working)
		slices.Sort(refused)
		if diff := cmp.Diff(wantWorking, working); diff != "" {
			t.Errorf("commands that work on %s (-want +got):\n%s", system, diff)
		}
		if diff := cmp.Diff(wantRefused, refused); diff != "" {
			t.Errorf("commands that need more than %s (-want +got):\n%s", system, diff)
		}
	}
	walkCommands(root, func(cmd *cobra.Command) {
		if err := checkSystem(cmd, "linux"); err != nil {
			t.Errorf("%s on Linux: %v", cmd.CommandPath(), err)
		}
	})
}

func walkCommands(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, c := range cmd.Commands() {
		walkCommands(c, visit)
	}
}
