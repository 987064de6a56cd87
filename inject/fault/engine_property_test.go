package fault

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"halfopen/inject/internal/queue"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// seedEnv is the environment variable that repeats a randomized test.
const seedEnv = "HALFOPEN_TEST_SEED"

// newSeed returns the seed of the environment, or a new one, and logs it.
func newSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedEnv); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedEnv, err)
		}
	}
	t.Logf("seed %d (to repeat: %s=%[1]d)", seed, seedEnv)
	return seed
}

// randomScenario makes a scenario with the given number of random faults, and the model of them.
// Faults may wait for steps of the client, client.sleep to client.sleep9.
func randomScenario(r *rand.Rand, family language.Family, faults int) (*language.Scenario, [2]netip.Addr, *model, error) {
	ends := [2]netip.Addr{netip.MustParseAddr("198.18.1.2"), netip.MustParseAddr("198.18.2.2")}
	if family == language.V6 {
		ends = [2]netip.Addr{netip.MustParseAddr("2001:2:0:1::2"), netip.MustParseAddr("2001:2:0:2::2")}
	}
	var list []*mischief
	var text strings.Builder
	for i := range faults {
		f := randomFault(r, fmt.Sprintf("f%d", i), ends, eventNames)
		list = append(list, f)
		fmt.Fprintf(&text, "  %s\n", f.yaml)
	}
	src := fmt.Appendf(nil, `name: random
title: written in a test
ip: %s
hosts: {client: {}, server: {}}
faults:
%sactors:
  client: [sleep: 1s, sleep: 1s, sleep: 1s, sleep: 1s, sleep: 1s, sleep: 1s, sleep: 1s, sleep: 1s, sleep: 1s]
expect: [step: client.sleep]
`, family, text.String())
	file, err := language.Parse("random.yaml", src)
	if err != nil {
		return nil, ends, nil, fmt.Errorf("%w\n%s", err, src)
	}
	runs, err := file.Expand(nil)
	if err != nil {
		return nil, ends, nil, fmt.Errorf("%w\n%s", err, src)
	}
	return runs[0], ends, newModel(list, 0), nil
}

var eventNames = []string{
	"client.sleep", "client.sleep2", "client.sleep3", "client.sleep4", "client.sleep5", "client.sleep6", "client.sleep7", "client.sleep8", "client.sleep9",
}

// engineRounds is how many sets of faults the engine and the model are compared on, each with fifty
// packets.
const engineRounds = 3000

// The engine decides about every packet as the model does: random packets go through random faults
// that come and go.
func TestTheEngineDoesWhatTheModelSays(t *testing.T) {
	seed := newSeed(t)
	rounds := engineRounds
	if testing.Short() {
		rounds /= 10
	}
	struck := map[string]int{}
	for round := range rounds {
		engineRound(t, seed, round, struck)
		if t.Failed() {
			t.Fatalf("in round %d of seed %d", round, seed)
		}
	}
	for _, effect := range []string{
		"dropped", "rejected", "reset", "delayed", "held", "duplicated", "reordered", "corrupted", "rewritten", "to be replayed",
	} {
		if struck[effect] < rounds/10 {
			t.Errorf("only %d packets were %s: the test shows little", struck[effect], effect)
		}
	}
	t.Logf("%d packets: %v", rounds*50, struck)
}

func engineRound(t *testing.T, seed uint64, round int, struck map[string]int) {
	r := rand.New(rand.NewPCG(seed, uint64(round)))
	family := []language.Family{language.V4, language.V6}[round%2]
	s, ends, m, err := randomScenario(r, family, 1+r.IntN(6))
	if err != nil {
		t.Fatal(err)
	}
	topology, plan := compile(t, s, Features{})
	addrs := selector.Hosts{}
	for _, h := range topology.Hosts {
		addrs[h.Name] = h.Addrs
	}
	rules, _, _ := plan.queueRules()
	e, err := queue.NewEngine(rules, addrs, seed)
	if err != nil {
		t.Fatal(err)
	}
	m = newModel(m.faults, seed)
	now := time.Duration(0)
	for number := range 50 {
		for _, f := range m.faults {
			if number == 0 || r.IntN(20) == 0 {
				f.on = !f.on || number == 0
				e.Set(f.name, f.on)
			}
		}
		if event := eventNames[r.IntN(len(eventNames))]; r.IntN(15) == 0 {
			m.happened[event] = true
			e.Happened(language.EventRef(event))
		}
		now += time.Duration(r.IntN(5000)) * time.Microsecond
		sent := randomSample(r, number, ends)
		want := m.treat(sent, now)
		for _, s := range slices.Concat(want.strikes, want.open) {
			struck[s.effect]++
		}
		b := sent.bytes()
		got := e.Decide(queue.Hook{Host: language.Wire, Chain: "FORWARD"}, b, now)
		if diff := differs(want, &got); diff != "" {
			t.Errorf("%s\n%s at %v: %s", faultText(m), sent, now, diff)
			return
		}
		if wrong := sent.differs(b); wrong != "" {
			t.Errorf("%s\n%s was changed in place: %s", faultText(m), sent, wrong)
		}
	}
}

func faultText(m *model) string {
	var lines []string
	for _, f := range m.faults {
		lines = append(lines, fmt.Sprintf("%s  (in force: %t)", f.yaml, f.on))
	}
	return strings.Join(lines, "\n")
}

// differs describes how a decision differs from the model's, or returns "".
func differs(want *fate, got *queue.Decision) string {
	var strikes []struckBy
	for _, s := range got.Strikes {
		strikes = append(strikes, struckBy{s.Fault, string(s.Effect), int(s.N)})
	}
	open := got.IfOvertaken
	for _, x := range got.Extras {
		if x.IfSent != nil {
			open = append(open, *x.IfSent)
		}
	}
	var left []struckBy
	for _, s := range open {
		left = append(left, struckBy{s.Fault, string(s.Effect), int(s.N)})
	}
	slices.SortStableFunc(want.open, func(a, b struckBy) int { return cmp.Compare(a.effect, b.effect) })
	patience := time.Duration(0)
	if want.behind > 0 {
		patience = time.Second
	}
	for _, c := range []struct {
		what      string
		want, got any
	}{
		{"strikes", want.strikes, strikes},
		{"strikes that are open", want.open, left},
		{"lost", want.lost, got.Drop},
		{"leaves at", want.at, got.At},
		{"waits for", want.until, got.Until},
		{"waits for packets", want.behind, got.Behind},
		{"waits at most", patience, got.Patience},
		{"additional packets", len(want.extras), len(got.Extras)},
	} {
		if fmt.Sprint(c.want) != fmt.Sprint(c.got) {
			return fmt.Sprintf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
	for i, x := range want.extras {
		g := got.Extras[i]
		if g.After != x.after || g.Until != language.EventRef(x.until) {
			return fmt.Sprintf("additional packet %d comes %v after it, and after %q, want %v and %q", i, g.After, g.Until, x.after, x.until)
		}
		if diff := want.leaves.differs(g.Data); (diff == "") == x.forged {
			return fmt.Sprintf("additional packet %d (forged: %t): %s", i, x.forged, diff)
		}
	}
	if want.lost {
		return ""
	}
	data := got.Data
	if data == nil {
		data = want.sent.bytes()
	}
	if diff := want.leaves.differs(data); diff != "" {
		return diff
	}
	if unchanged := want.sent.differs(data) == ""; unchanged && got.Data != nil && len(got.Strikes) == 0 {
		return "it was copied though nothing struck it"
	}
	return ""
}
