package language

import (
	"encoding/json"
	"flag"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/internal/spell"
)

func TestCountIsReadAsARange(t *testing.T) {
	for text, want := range map[string][2]int64{
		"3": {3, 3}, "-1": {-1, -1}, ">= 3": {3, math.MaxInt64}, ">3": {4, math.MaxInt64},
		"<= 3": {math.MinInt64, 3}, "< 3": {math.MinInt64, 2}, "2..5": {2, 5}, "-5..-2": {-5, -2},
	} {
		var c Count
		if err := c.Set(text); err != nil || c.Min != want[0] || c.Max != want[1] || c.String() != text {
			t.Errorf("%q: got %d to %d as %q, %v; want %d to %d", text, c.Min, c.Max, c, err, want[0], want[1])
		}
	}
	for _, text := range []string{"", "x", "3s", ">= ", "..", "5..2", "1..", "99999999999999999999", ">= 9223372036854775807"} {
		if err := new(Count).Set(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestSpanIsReadAsARangeOfDurations(t *testing.T) {
	ms := time.Millisecond
	for text, want := range map[string]Span{
		"63s":         {Min: 62996 * ms, Max: 70925 * ms, Timer: true, Want: 63 * time.Second},
		"0s":          {Min: 0, Max: 50 * ms, Timer: true},
		">= 3s":       {Min: 3 * time.Second, Max: math.MaxInt64, Want: 3 * time.Second},
		"< 5ms":       {Min: math.MinInt64, Max: 5*ms - 1, Want: 5 * ms},
		"2s..5s":      {Min: 2 * time.Second, Max: 5 * time.Second, Want: 2 * time.Second},
		"63s ±2%":     {Min: 61740 * ms, Max: 64260 * ms, Want: 63 * time.Second},
		"63s +-1s":    {Min: 62 * time.Second, Max: 64 * time.Second, Want: 63 * time.Second},
		"~40ms ±10ms": {Min: 30 * ms, Max: 50 * ms, Want: 40 * ms},
	} {
		want.Source = text
		var got Span
		if err := got.Set(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{"", "63", "~40ms", "5s..2s", "-1s", "1s ±", "1s ±101%", "9000h"} {
		if err := new(Span).Set(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestUnitsAreThoseOfTheKernelAndOfTc(t *testing.T) {
	var size Size
	var rate BitRate
	var chance Percent
	for text, want := range map[string]Size{"512": 512, "64kB": 65536, "1MB": 1 << 20, "1GB": 1 << 30, "7B": 7} {
		if err := size.Set(text); err != nil || size != want {
			t.Errorf("size %q: got %d, %v; want %d", text, size, err, want)
		}
	}
	for text, want := range map[string]BitRate{"500kbit": 500_000, "1mbit": 1_000_000, "1.5mbit": 1_500_000, "2gbit": 2_000_000_000} {
		if err := rate.Set(text); err != nil || rate != want {
			t.Errorf("rate %q: got %d, %v; want %d", text, rate, err, want)
		}
	}
	for text, want := range map[string]Percent{"5%": 0.05, "0.5%": 0.005, "100 %": 1, "0%": 0} {
		if err := chance.Set(text); err != nil || chance != want {
			t.Errorf("percentage %q: got %v, %v; want %v", text, float64(chance), err, float64(want))
		}
	}
	for _, text := range []string{"1.5kB", "2GB", "-1", "kB", "4 KiB", "9999999999999GB"} {
		if err := size.Set(text); err == nil {
			t.Errorf("size %q was accepted", text)
		}
	}
	for _, text := range []string{"1mbps", "mbit", "100", "NaNmbit", "0bit", "99999gbit"} {
		if err := rate.Set(text); err == nil {
			t.Errorf("rate %q was accepted", text)
		}
	}
	for _, text := range []string{"NaN%", "101%", "-1%", "0.5", "%"} {
		if err := chance.Set(text); err == nil {
			t.Errorf("percentage %q was accepted", text)
		}
	}
}

func TestScalarsAreFlags(t *testing.T) {
	for text, v := range map[string]flag.Value{
		"1m30s": new(Duration), "0.5%": new(Percent), "64kB": new(Size), "1mbit": new(BitRate), ">= 3": new(Count),
		"~40ms ±10ms": new(Span), "next-1": new(Number),
	} {
		if err := v.Set(text); err != nil || v.String() != text {
			t.Errorf("%T: %q is read as %s, %v", v, text, v, err)
		}
	}
}

func TestRangesWithoutSourceSurviveJSON(t *testing.T) {
	for _, want := range []Count{{Min: 3, Max: 3}, {Min: 3, Max: math.MaxInt64}, {Min: math.MinInt64, Max: 3}, {Min: 2, Max: 5}} {
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Count
		if err := json.Unmarshal(data, &got); err != nil || got.Min != want.Min || got.Max != want.Max {
			t.Errorf("%s: got %d to %d, %v; want %d to %d", data, got.Min, got.Max, err, want.Min, want.Max)
		}
	}
	for _, want := range []Span{TimerSpan(63 * time.Second), {Min: time.Second, Max: math.MaxInt64}, {Min: math.MinInt64, Max: time.Second}} {
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Span
		if err := json.Unmarshal(data, &got); err != nil || got.Min != want.Min || got.Max != want.Max || got.Timer != want.Timer {
			t.Errorf("%s: got %+v, %v; want %+v", data, got, err, want)
		}
	}
}

func TestEventRefNamesAnEvent(t *testing.T) {
	for ref, want := range map[EventRef]Event{
		"client.connect":       {Kind: EventStepEnd, Actor: "client", Step: "connect", N: 1},
		"client.connect.start": {Kind: EventStepStart, Actor: "client", Step: "connect", N: 1},
		"client.send[3]":       {Kind: EventStepEnd, Actor: "client", Step: "send", N: 3},
		"client.send[3].start": {Kind: EventStepStart, Actor: "client", Step: "send", N: 3},
		"client.send.start[3]": {Kind: EventStepStart, Actor: "client", Step: "send", N: 3},
		"fault.lose.hit":       {Kind: EventFaultHit, Fault: "lose", N: 1},
		"fault.lose.hit[2]":    {Kind: EventFaultHit, Fault: "lose", N: 2},
		"client.signal.go":     {Kind: EventSignal, Actor: "client", Signal: "go", N: 1},
		"client.signal":        {Kind: EventStepEnd, Actor: "client", Step: "signal", N: 1},
		"client.signal.start":  {Kind: EventStepStart, Actor: "client", Step: "signal", N: 1},
	} {
		got, err := ref.Parse()
		if err != nil {
			t.Errorf("%q: %v", ref, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", ref, diff)
		}
	}
	for _, ref := range []EventRef{"", "client", "client.send[0]", "client.send[x]", "fault.lose", "a.b.c.d", "client.send[1].start[2]", "a.b[99999999999]"} {
		if e, err := ref.Parse(); err == nil {
			t.Errorf("%q was read as %+v", ref, e)
		}
	}
}

func TestStepRefSplits(t *testing.T) {
	for ref, want := range map[StepRef]struct {
		actor, step string
		n           int
	}{
		"client.connect": {"client", "connect", 0}, "client.send[3]": {"client", "send", 3},
		"client": {}, "client.send[0]": {}, "client.send.start": {},
	} {
		if actor, step, n := ref.Split(); actor != want.actor || step != want.step || n != want.n {
			t.Errorf("%q: got %q %q %d", ref, actor, step, n)
		}
	}
}

func TestNearestForgivesOneSlip(t *testing.T) {
	known := []string{"drop", "delay", "faults", "expect"}
	for word, want := range map[string]string{"fautls": "faults", "dorp": "drop", "Drop": "drop", "delya": "delay", "zzz": "", "": "", strings.Repeat("x", 1000): ""} {
		if got := spell.Nearest(word, known); got != want {
			t.Errorf("%.20q: got %q, want %q", word, got, want)
		}
	}
}
