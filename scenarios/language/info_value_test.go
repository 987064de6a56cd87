package language

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestValuesOfTCPInfoAreReadAsNumbers(t *testing.T) {
	for _, c := range []struct {
		name, text string
		min, max   int64
	}{
		{"state", "CLOSE", 7, 7},
		{"state", "syn-sent", 2, 2},
		{"state", "1", 1, 1},
		{"ca_state", "Recovery", 3, 3},
		{"ca_state", "loss", 4, 4},
		{"rto", "200ms", 200_000, 200_000},
		{"rto", "200 ms", 200_000, 200_000},
		{"rto", "200000", 200_000, 200_000},
		{"rto", ">= 200ms", 200_000, math.MaxInt64},
		{"rto", "> 200ms", 200_001, math.MaxInt64},
		{"rto", "< 1s", math.MinInt64, 999_999},
		{"rto", "200ms..210ms", 200_000, 210_000},
		{"rto", "200ms ±10ms", 190_000, 210_000},
		{"last_data_sent", "2s", 2000, 2000},
		{"last_data_sent", "> 2s", 2001, math.MaxInt64},
	} {
		t.Run(c.name+" "+c.text, func(t *testing.T) {
			s := mustExpand(t, skeleton+`
actors: {client: [{connect: "server:80"}, tcp_info]}
expect: [{step: client.tcp_info, values: {tcpi_`+c.name+`: "`+c.text+`"}}]
`, nil)[0]
			v := s.Expect[0].Step.Values[0]
			if v.Name != c.name || v.Is.Min != c.min || v.Is.Max != c.max || v.String() != c.name+" "+c.text {
				t.Errorf("got %+v, as %q; want %d to %d", v, v.String(), c.min, c.max)
			}
			// It goes to the lab, and into what is stored, as JSON.
			data, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			var again InfoVal
			if err := json.Unmarshal(data, &again); err != nil || again.Is.Min != c.min || again.Is.Max != c.max ||
				again.String() != v.String() {
				t.Errorf("stored as %s, read as %+v, %v", data, again, err)
			}
		})
	}
}

func TestValuesOfTCPInfoThatCannotBe(t *testing.T) {
	for text, want := range map[string]string{
		"{cwnd: 10}":            `unknown field of tcp_info "cwnd" (did you mean snd_cwnd?)`,
		"{ssthresh: 10}":        `unknown field of tcp_info "ssthresh" (did you mean rcv_ssthresh or snd_ssthresh?)`,
		"{state: CLOSED}":       `invalid state "CLOSED": want a number, or one of ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT1, FIN_WAIT2, TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK, LISTEN, CLOSING`,
		"{ca_state: Recover}":   `invalid ca_state "Recover": want a number, or one of Open, Disorder, CWR, Recovery, Loss`,
		"{rto: soon}":           `invalid rto "soon": want a number of microseconds, or a duration such as 200ms`,
		"{last_ack_sent: 10us}": `invalid last_ack_sent "10us": want a whole number of milliseconds`,
		"{snd_cwnd: 10s}":       `invalid count "10s": want 3, ">= 3", "> 3", "<= 3", "< 3" or 2..5`,
	} {
		_, err := expandText(t, skeleton+`
actors: {client: [{connect: "server:80"}, tcp_info]}
expect: [{step: client.tcp_info, values: `+text+`}]
`, nil)
		got := "accepted"
		if err != nil {
			got = err.(interface{ Unwrap() []error }).Unwrap()[0].(*Error).Msg
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestNumbersThatWereSeenAreShownAsTheValueWasWritten(t *testing.T) {
	for _, c := range []struct {
		v    InfoVal
		seen int64
		want string
	}{
		{InfoVal{Name: "state", Written: "CLOSE"}, 1, "state 1 (ESTABLISHED)"},
		{InfoVal{Name: "state", Written: "CLOSE"}, 99, "state 99"},
		{InfoVal{Name: "state"}, 1, "state 1"},
		{InfoVal{Name: "ca_state", Written: "Loss"}, 0, "ca_state 0 (Open)"},
		{InfoVal{Name: "rto", Written: "200ms"}, 204_000, "rto 204000 (204ms)"},
		{InfoVal{Name: "last_ack_sent", Written: "2s"}, 1500, "last_ack_sent 1500 (1.5s)"},
	} {
		if got := c.v.Shows(c.seen); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestSockstatCountsStatesByAnyName(t *testing.T) {
	s := mustExpand(t, skeleton+`
actors: {client: [sockstat]}
expect: [{step: client.sockstat, values: {state.TIME-WAIT: 2, state.estab: 0}}]
`, nil)[0]
	if got, want := s.Expect[0].String(), "client.sockstat: succeeds, state.TIME_WAIT 2, state.ESTABLISHED 0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDurationsMayHaveABlankBeforeTheUnit(t *testing.T) {
	s := mustExpand(t, skeleton+`
params: {pause: 2 s}
actors: {client: [{sleep: 1h 30 m}, {sleep: "${2 * pause}"}]}
expect: [{step: client.sleep, took: 40 ms ±10 ms}]
`, nil)[0]
	if got, want := s.Actors[0].Steps[0].Op.Sleep.For.String()+" "+s.Actors[0].Steps[1].Op.Sleep.For.String(), "1h30m0s 4s"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for text, want := range map[string]time.Duration{
		"2 s": 2 * time.Second, "1h 30m": 90 * time.Minute, "1 h 30 m": 90 * time.Minute, "1h30 m": 90 * time.Minute,
		"1.5  s": 1500 * time.Millisecond, "3 µs": 3 * time.Microsecond,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"1 2s", "2 s 3", "2 weeks", "s 2", "2 m s"} {
		if _, err := parseDuration(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}
