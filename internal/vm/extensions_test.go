package vm

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The golden plans show every extension of iptables that faults use. A guest loads only the modules
// that this package lists: without this test, a forgotten one would fail only in a guest.
func TestGuestsHaveTheModulesOfAllPlans(t *testing.T) {
	plans, err := filepath.Glob("../../inject/fault/testdata/plan/*.golden")
	if err != nil || len(plans) == 0 {
		t.Fatalf("no golden plans: %v", err)
	}
	used := regexp.MustCompile(`ip6?tables .*`)
	option := regexp.MustCompile(` -[mj] (\S+)`)
	// The modules that are not named after their extension.
	modules := map[string]string{"ttl": "xt_hl", "REJECT": "ipt_REJECT"}
	seen := map[string]bool{}
	for _, plan := range plans {
		text, err := os.ReadFile(plan)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range used.FindAllString(string(text), -1) {
			for _, m := range option.FindAllStringSubmatch(command, -1) {
				seen[m[1]] = true
			}
		}
	}
	for name := range seen {
		if name == "DROP" || strings.HasPrefix(name, "halfopen-") {
			continue // built in, and the chains of faults
		}
		module := modules[name]
		if module == "" {
			module = "xt_" + name
		}
		if !slices.Contains(faultModules, module) {
			t.Errorf("plans use the extension %s, whose module %s faultModules does not name", name, module)
		}
	}
	if !seen["NFQUEUE"] || !seen["multiport"] {
		t.Errorf("the plans were read as using %v only", seen)
	}
}
