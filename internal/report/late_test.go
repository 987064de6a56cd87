package report

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

func TestADelayThatWasLateIsDrawnWithItsRealTime(t *testing.T) {
	s := &language.Scenario{Faults: []language.Fault{
		{Name: "far", Do: language.Action{Delay: &language.Delay{By: language.Duration(50 * ms)}}},
		{Name: "deep", Do: language.Action{Delay: &language.Delay{By: language.Duration(20 * ms)}}},
		{Name: "until", Do: language.Action{Hold: &language.Hold{Until: "client.send"}}},
	}}
	type hit struct {
		fault  string
		effect trace.Effect
		by     time.Duration
	}
	far, deep, held := hit{"far", "delayed", 50 * ms}, hit{"deep", "delayed", 20 * ms}, hit{"until", "held", 0}
	for _, tt := range []struct {
		name string
		kept time.Duration
		hits []hit
		want string
	}{
		{"in time", 50 * ms, []hit{far}, "→50ms far"},
		{"as late as a quiet machine may be", 54 * ms, []hit{far}, "→50ms far"},
		{"late", 141 * ms, []hit{far}, "→141ms far (asked 50ms)"},
		{"two delays, in time", 70 * ms, []hit{far, deep}, "→50ms far, →20ms deep"},
		{"two delays, late", 141 * ms, []hit{far, deep}, "→50ms far, →20ms deep, kept for 141ms"},
		{"how long an event took, nobody asked for", 141 * ms, []hit{far, held}, "→50ms far, held until"},
		{"no delay", 141 * ms, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, false)
			segment := l.tcp(seg{from: "server", flags: "A", seq: 9, ack: 1})
			l.see(0, "server", "eth0", true, segment)
			l.see(0, "wire", "server", false, segment)
			for _, h := range tt.hits {
				l.add(start, trace.Event{Fault: &trace.Fault{Name: h.fault, What: "hit", Effect: h.effect, By: h.by, Packet: segment[14:]}})
			}
			l.see(tt.kept, "wire", "client", true, segment)
			l.see(tt.kept, "client", "eth0", false, segment)
			all := allJourneys(s, l.end(time.Second))
			if len(all) != 1 {
				t.Fatalf("%d journeys, want 1", len(all))
			}
			if got := all[0].marks(); got != tt.want {
				t.Errorf("drawn as %q, want %q", got, tt.want)
			}
		})
	}
}

// late adds that parts of the lab of a run were late.
func late(tr *trace.Trace) *trace.Trace {
	at := tr.Started() + 200*ms
	for _, e := range []trace.Event{
		{T: at, Late: &trace.Late{Part: trace.LateFault, Name: "silent-server", Due: at - 91*ms, N: 3, Worst: 41 * ms}},
		{T: at, Late: &trace.Late{Part: trace.LateReport, Name: "client", Due: at - 2*ms}},
		{T: at, Late: &trace.Late{Part: trace.LateEnd, Due: at - 20*ms}},
		{T: at, Step: &trace.Step{Actor: "client", ID: "x", Op: "sleep", N: 1, Began: at, Late: 40 * ms}},
	} {
		tr.Add(e)
	}
	tr.Sort()
	return tr
}

func TestHowLateTheLabWasIsSaid(t *testing.T) {
	const sentence = "late  fault silent-server up to 41ms late; actors waited up to 40ms for a processor"
	r := passing(t)
	if got := Details(r, Look{Verbose: true}); strings.Contains(got, "late  ") {
		t.Errorf("a lab that was in time is late:\n%s", got)
	}
	late(r.Trace)
	if got := Details(r, Look{Verbose: true}); !strings.Contains(got, sentence) {
		t.Errorf("no %q in\n%s", sentence, got)
	}
	if got := Inspect(r, Look{}); !strings.Contains(got, strings.TrimPrefix(sentence, "late  ")) {
		t.Errorf("no %q in\n%s", sentence, got)
	}
	want := []result.LatePart{
		{Part: trace.LateFault, Name: "silent-server", Seconds: 0.041, At: 0.2, N: 3},
		{Part: trace.LateStep, Name: "client", Seconds: 0.04, At: 0.2, N: 1},
		{Part: trace.LateReport, Name: "client", Seconds: 0.002, At: 0.2, N: 1},
		{Part: trace.LateEnd, Seconds: 0.02, At: 0.2, N: 1},
	}
	if diff := cmp.Diff(want, NewRecord(r).Late); diff != "" {
		t.Errorf("the record of a run (-want +got):\n%s", diff)
	}
}

// doubtful is a run in which the machine was too busy to judge its first expectation.
func doubtful(t *testing.T) *result.Result {
	r := failing(t)
	r.Status = result.Inconclusive
	r.Verdicts[0].Status, r.Verdicts[0].Late = assertions.Inconclusive, 140*ms
	r.Verdicts[0].Reason += "; the machine was 140ms late in that time"
	r.Verdicts[0].Why = "the machine was 140ms late in that time"
	r.Verdicts[0].Notes = []string{"fault silent-server up to 140ms late"}
	r.Verdicts = []assertions.Verdict{r.Verdicts[0], passing(t).Verdicts[1]}
	return r
}

func TestInconclusiveRuns(t *testing.T) {
	again := passing(t)
	again.Attempts = []result.Attempt{{Late: 140 * ms, Checks: []string{"a"}}, {Late: 90 * ms, Checks: []string{"a"}}}
	failed := failing(t)
	failed.Attempts = again.Attempts[:1]
	lost := doubtful(t)
	lost.Verdicts[0].Late, lost.Verdicts[0].Because = 0, "the kernel lost its reports of up to 2 drops of server"
	lost.Attempts = []result.Attempt{result.NewAttempt(lost), {Late: 90 * ms}}
	for _, tt := range []struct {
		name     string
		r        *result.Result
		says     []string
		remedies bool
	}{
		{"one that stays so", doubtful(t), []string{
			"INCONCLUSIVE syn-retry-backoff retries=1", "(2 checks, 1 inconclusive)",
			"  inconclusive: the machine was 140ms late\n",
			"open client.connect: ETIMEDOUT after 63s", "wanted  it took 63s",
			"note    fault silent-server up to 140ms late",
			"0 passed, 0 failed, 0 skipped, 1 inconclusive in",
		}, true},
		{"one of which the kernel lost reports", lost, []string{
			"  inconclusive: the kernel lost its reports of up to 2 drops of server; attempt 2 inconclusive: the machine was 90ms late; " +
				"attempt 3 inconclusive: the kernel lost its reports of up to 2 drops of server\n",
		}, true},
		{"one that passed later", again, []string{
			"PASS  syn-retry-backoff retries=1",
			"  inconclusive: the machine was 140ms late; attempt 2 inconclusive: the machine was 90ms late; passed on attempt 3\n",
			"1 passed, 0 failed, 0 skipped in",
		}, false},
		{"one that failed later", failed, []string{
			"FAIL  syn-retry-backoff retries=1", "  inconclusive: the machine was 140ms late; failed on attempt 2\n",
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs strings.Builder
			v := newPretty(Output{Out: &out, Errs: &errs, Runs: 1})
			v.Begin(&tt.r.Run)
			v.End(tt.r)
			if err := v.Close([]result.Result{*tt.r}, Ending{Seed: 7}); err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
			const remedy = "the machine was too busy to judge 1 run: do fewer runs at once (--jobs 1)"
			if strings.Contains(out.String(), remedy) != tt.remedies {
				t.Errorf("%q, want it: %v\n%s", remedy, tt.remedies, out.String())
			}
			if text := tt.r.AttemptsText(); !strings.Contains(strings.Join(strings.Fields(Inspect(tt.r, Look{})), " "), text) {
				t.Errorf("inspect does not say %q", text)
			}
			out.Reset()
			j := newJSON(Output{Out: &out, Errs: &errs})
			j.End(tt.r)
			if err := j.Close([]result.Result{*tt.r}, Ending{}); err != nil {
				t.Fatal(err)
			}
			var record *Record
			if err := ReadRecords("out", strings.NewReader(out.String()), func(r any) error {
				if run, ok := r.(*Record); ok {
					record = run
				}
				return nil
			}); err != nil || record == nil {
				t.Fatalf("no run is among the records, %v:\n%s", err, out.String())
			}
			if record.Status != string(tt.r.Status) || len(record.Attempts) != len(tt.r.Attempts) {
				t.Errorf("the record has the status %s and %d attempts, want %s and %d", record.Status, len(record.Attempts), tt.r.Status, len(tt.r.Attempts))
			}
			if strings.Contains(errs.String(), remedy) != tt.remedies {
				t.Errorf("standard error of the format json: %q, want the remedy: %v", errs.String(), tt.remedies)
			}
		})
	}
}

func TestARunThatIsToBeRepeatedHasALine(t *testing.T) {
	var out strings.Builder
	v := newPretty(Output{Out: &out, Runs: 1})
	r := doubtful(t)
	r.Attempts = []result.Attempt{result.NewAttempt(r)}
	v.Begin(&r.Run)
	v.(interface{ Repeats(*result.Result) }).Repeats(r)
	const want = "inconclusive: the machine was 140ms late; repeated alone, after all others\n"
	if !strings.HasPrefix(out.String(), "AGAIN syn-retry-backoff retries=1 ") || !strings.HasSuffix(out.String(), want) {
		t.Errorf("printed %q, want AGAIN ... %q", out.String(), want)
	}
	r.Status = result.Pass
	v.End(r)
	if !strings.Contains(out.String(), "PASS  syn-retry-backoff") {
		t.Errorf("no end in\n%s", out.String())
	}
}
