package vm

import "testing"

func TestStageOf(t *testing.T) {
	for _, tt := range []struct {
		name, line, want string
	}{
		{"a stage", "halfopen guest: modules loaded after 0.785 s\r\n", "modules loaded"},
		{"an error of the guest", "halfopen guest: mounting /proc: EPERM\n", ""},
		{"a line of the kernel", "[    0.1] reboot: after all\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := stageOf(tt.line); got != tt.want || ok != (tt.want != "") {
				t.Errorf("stageOf(%q) = %q, %t, want %q", tt.line, got, ok, tt.want)
			}
		})
	}
}
