package trace

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// everyEvent has an event of each kind.
func everyEvent() *Trace {
	const ms = time.Millisecond
	return Of([]Event{
		{Run: &Run{
			Scenario: "refused", Family: "v4", Params: map[string]string{"port": "8080"}, Seed: 7,
			Wall: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Kernel: "6.12.1", Version: "v1",
			Source: json.RawMessage(`{"name":"refused","teaches":"a < b"}`),
		}},
		{T: 1 * ms, Host: &Host{Name: "client", Addresses: []string{"198.18.0.1/24"}, Links: []Link{{Device: "eth0", MTU: 1500, Peer: "wire"}}}},
		{T: 2 * ms, Sysctl: &Sysctl{Host: "client", Name: "net.ipv4.tcp_fin_timeout", Missing: true}},
		{T: 3 * ms, Counters: &Counters{Host: "client", At: Before, Values: map[string]int64{"Tcp.InSegs": 1}}},
		{T: 4 * ms, Fault: &Fault{Name: "lost", What: FaultOn, Mechanism: "nfqueue", Why: "nth"}},
		{T: 5 * ms, Start: &Start{}},
		{T: 6 * ms, Start: &Start{Actor: "client", Step: "connect", Op: "connect", N: 1, TID: 12}},
		{T: 7 * ms, Packet: &Packet{LinkEnd: &LinkEnd{Host: "client", Device: "eth0"}, Out: true, Frame: []byte{1, 2, 3}, Length: 60}},
		{T: 8 * ms, Fault: &Fault{Name: "lost", What: FaultHit, Hits: 1, Host: "wire", Effect: "dropped", Packet: []byte{0x45}}},
		{T: 9 * ms, Socket: &Socket{Host: "client", Local: "198.18.0.1:40000", Remote: "198.18.1.1:8080", State: "SYN_SENT"}},
		{T: 10 * ms, Sampled: &Sampled{Event: "client.connect.start"}},
		{T: 11 * ms, Step: &Step{Actor: "client", ID: "connect", Op: "connect", N: 1, Began: 6 * ms, Errno: "ETIMEDOUT", Result: -1}},
		{T: 12 * ms, Step: &Step{Actor: "client", ID: "exec", Op: "exec", N: 1, Began: 11 * ms, Stdout: "\xff\n", StdoutBytes: 2, Stderr: "text", StderrBytes: 4, Left: true}},
		{T: 12 * ms, Signal: &Signal{Actor: "client", Name: "gone"}},
		{T: 13 * ms, Process: &Process{Actor: "client", PID: 12, Signal: "KILL"}},
		{T: 13 * ms, Program: &Program{Actor: "client", Step: "exec", N: 1, What: ProgramStarted, PID: 7, Command: []string{"cat", "f"}}},
		{T: 13 * ms, Line: &Line{Actor: "client", Step: "exec", N: 1, Stream: Stderr, Text: "no\xff", Bytes: 7, Open: true}},
		{T: 13 * ms, Watched: &Watched{Event: "{log: client.exec, contains: no}", Happened: true, Seen: 1}},
		{T: 14 * ms, Note: &Note{Text: "a packet was lost", Untrue: true}},
		{T: 15 * ms, Tracepoints: &Tracepoints{Gaps: []Gap{{Events: Resets, Text: "tcp:tcp_send_reset has no reasons", Partial: true}}, DropReasons: []string{"NO_SOCKET"}}},
		{T: 16 * ms, Transition: &Transition{TCPSocket: someSocket("CLOSE"), From: "FIN_WAIT2", FINReceived: true, Errno: "EPIPE"}},
		{T: 17 * ms, Drop: &Drop{TCPSocket: someSocket("LISTEN"), Reason: "NO_SOCKET", Location: "tcp_v4_rcv", Packet: []byte{0x45}}},
		{T: 18 * ms, Retransmit: &Retransmit{TCPSocket: someSocket("SYN_SENT"), Seq: 1, EndSeq: 2, Flags: 2, Errno: "EHOSTUNREACH"}},
		{T: 19 * ms, Reset: &Reset{TCPSocket: someSocket(""), Answers: true, Reason: "NO_SOCKET"}},
		{T: 20 * ms, Probe: &Probe{TCPSocket: someSocket("ESTABLISHED"), Cwnd: 10, Ssthresh: 7, SRTT: ms, SendWindow: 65535, InFlight: 2, Congestion: "Open", LeftOut: 1}},
		{T: 20 * ms, Call: &Call{Host: "client", Actor: "client", Step: "exec", N: 1, PID: 7, TID: 8, Name: "recvfrom", Began: 14 * ms, Unfinished: true, FD: new(int), Cookie: 77, Proto: "tcp", Local: "198.18.0.1:40000", Remote: "198.18.1.1:8080", Size: new(int64), Flags: "MSG_PEEK", Timeout: new(time.Duration)}},
		{T: 20 * ms, CallsLeft: &CallsLeft{Host: "client", Actor: "client", Step: "exec", N: 1, Name: "sendto", Errno: "EAGAIN", Count: 9}},
		{T: 21 * ms, Lost: &Lost{Host: "client", Events: Drops, N: 3}},
		{T: 22 * ms, Late: &Late{Part: LateFault, Name: "lost", Due: 20 * ms, Worst: ms, N: 2}},
		{T: 22 * ms, End: &End{Reason: EndDeadline, Hanging: []string{"client.connect"}}},
	}...)
}

func someSocket(state string) TCPSocket {
	return TCPSocket{
		Host: "client", Cookie: 77, State: state, Local: "198.18.0.1:40000", Remote: "198.18.1.1:8080",
	}
}

func TestDropsThatProveALoss(t *testing.T) {
	for reason, want := range map[string]bool{
		"NO_SOCKET": true, "TCP_OLD_SEQUENCE": true, "QUEUE_PURGE": false,
		"PACKET_SOCK_ERROR": false, "NOT_SPECIFIED": false,
	} {
		if got := (&Drop{Reason: reason}).Loss(); got != want {
			t.Errorf("a drop with the reason %s proves a loss: %v, want %v", reason, got, want)
		}
	}
}

func TestEachEventHasAKind(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range everyEvent().Events {
		var fields map[string]json.RawMessage
		text, err := json.Marshal(e.Whole())
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		delete(fields, "t")
		if _, ok := fields[e.Kind()]; !ok || len(fields) != 1 {
			t.Errorf("the kind of %s is %q", text, e.Kind())
		}
		seen[e.Kind()] = true
	}
	if kinds := reflect.TypeFor[Event]().NumField() - 1; len(seen) != kinds {
		t.Errorf("%d kinds of events are tested, want all %d", len(seen), kinds)
	}
	if k := (&Event{}).Kind(); k != "" {
		t.Errorf("the kind of nothing is %q", k)
	}
}

func TestReadReturnsWhatWasWritten(t *testing.T) {
	want := everyEvent()
	var b bytes.Buffer
	if err := want.Write(&b); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(b.String(), "\n"); lines != len(want.Events) {
		t.Errorf("%d events were written in %d lines", len(want.Events), lines)
	}
	got, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	// The scenario is written with HTML characters escaped, which means the same.
	if diff := cmp.Diff(whole(want), whole(got), cmp.Transformer("", func(m json.RawMessage) (v any) {
		if err := json.Unmarshal(m, &v); err != nil {
			return string(m)
		}
		return v
	})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadingATrace(t *testing.T) {
	const source = `{"name":"refused"}`
	old := base64.StdEncoding.EncodeToString([]byte(source))
	for _, tt := range []struct {
		name, text string
		source     string
		events     int
		err        string
	}{
		{name: "an empty file is an empty trace"},
		{name: "the last line may lack its end", text: `{"t":1,"start":{}}`, events: 1},
		{name: "blank lines do not matter", text: "\n" + `{"t":1,"start":{}}` + "\n\n", events: 1},
		{name: "the scenario is JSON", text: `{"t":0,"run":{"scenario":"refused","source":` + source + `}}`, events: 1, source: source},
		{name: "an old trace has it in base64", text: `{"t":0,"run":{"scenario":"refused","source":"` + old + `"}}`, events: 1, source: source},
		{name: "a trace may have none", text: `{"t":0,"run":{"scenario":"refused"}}`, events: 1},
		{name: "invalid base64 is refused", text: `{"t":0,"run":{"source":"?"}}`, err: "reading event 0: reading the source of the run: illegal base64"},
		{name: "a line cut short is refused", text: `{"t":1,"start":{}}` + "\n" + `{"t":2,"sta`, err: "reading event 1: the trace ends in the middle of it"},
		{name: "a line without an event is refused", text: `{"t":1,"start":{}}` + "\n" + `["t"]`, err: "reading event 1: json: cannot unmarshal array"},
		{name: "an event of no kind is refused", text: `{"t":1}`, err: "reading event 0: its kind is unknown"},
		{name: "an event of a later version is refused", text: `{"t":1,"start":{}}` + "\n" + `{"t":2,"weather":{}}`, err: "reading event 1: its kind is unknown"},
		{name: "a time must be a number", text: `{"t":"1s"}`, err: "reading event 0: json: cannot unmarshal string"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read(strings.NewReader(tt.text))
			if tt.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
					t.Errorf("error %v, want %s...", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Events) != tt.events {
				t.Errorf("%d events, want %d", len(got.Events), tt.events)
			}
			if r := got.Run(); r != nil && string(r.Source) != tt.source {
				t.Errorf("source %s, want %s", r.Source, tt.source)
			}
		})
	}
}

func TestWritingSaysWhichEventCouldNotBeWritten(t *testing.T) {
	broken := errors.New("no space left")
	tr := &Trace{}
	for range 1000 {
		tr.Add(Event{Note: &Note{Text: "it fills the buffer soon"}})
	}
	err := tr.Write(failing{broken})
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "writing event ") {
		t.Errorf("error %v, want one of writing an event: %v", err, broken)
	}
	if err := (&Trace{Events: tr.Events[:1]}).Write(failing{broken}); !errors.Is(err, broken) {
		t.Errorf("error %v at the end, want %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestSortKeepsTheOrderOfOneInstant(t *testing.T) {
	tr := &Trace{}
	for i, at := range []time.Duration{3, 1, 2, 1, 3, 1, 0} {
		tr.Add(Event{T: at, Note: &Note{Text: fmt.Sprint(i)}})
	}
	tr.Sort()
	var got []string
	for i := range tr.Events {
		got = append(got, tr.Events[i].Note.Text)
	}
	if diff := cmp.Diff([]string{"6", "1", "3", "5", "2", "0", "4"}, got); diff != "" {
		t.Errorf("order of the events (-want +got):\n%s", diff)
	}
}

// whole returns the events as they were added.
func whole(t *Trace) []Event {
	var all []Event
	for i := range t.Events {
		all = append(all, t.Events[i].Whole())
	}
	return all
}

func TestFindingEvents(t *testing.T) {
	run, first, second := &Run{Scenario: "a"}, &Host{Name: "first"}, &Host{Name: "second"}
	start := Event{T: 3, Start: &Start{}}
	for _, tt := range []struct {
		name    string
		events  []Event
		run     *Run
		hosts   []*Host
		started time.Duration
		end     *End
		ended   time.Duration
	}{
		{name: "an empty trace has none"},
		{
			name:   "the run and the hosts, in their order",
			events: []Event{{Run: run}, {T: 1, Host: first}, {T: 2, Host: second}},
			run:    run,
			hosts:  []*Host{first, second},
		},
		{
			name:    "the actors start once, the starts of steps do not count",
			events:  []Event{{T: 1, Start: &Start{Actor: "server", Step: "listen"}}, start, {T: 4, Start: &Start{Actor: "client", Step: "connect"}}},
			started: 3,
		},
		{
			name:   "actors that never began",
			events: []Event{{T: 1, Start: &Start{Actor: "server", Step: "listen"}}},
		},
		{
			name:    "the end, though something comes after it",
			events:  []Event{start, {T: 8, End: &End{Reason: EndDone}}, {T: 9, Note: &Note{Text: "late"}}},
			started: 3,
			end:     &End{Reason: EndDone},
			ended:   8,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := Of(tt.events...)
			if got := tr.Run(); got != tt.run {
				t.Errorf("run %v, want %v", got, tt.run)
			}
			if diff := cmp.Diff(tt.hosts, tr.Hosts()); diff != "" {
				t.Errorf("hosts (-want +got):\n%s", diff)
			}
			if got := tr.Started(); got != tt.started {
				t.Errorf("started at %v, want %v", got, tt.started)
			}
			end, ended := tr.End()
			if diff := cmp.Diff(tt.end, end); diff != "" || ended != tt.ended {
				t.Errorf("end at %v, want %v (-want +got):\n%s", ended, tt.ended, diff)
			}
		})
	}
}
