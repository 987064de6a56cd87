package language

import (
	"strings"
	"testing"
)

func TestHeldScenariosNeedNoActors(t *testing.T) {
	const text = skeleton + "faults:\n  silent: {match: {to: server}, do: drop}\n"
	f, err := Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Expand(nil); err == nil || !strings.Contains(err.Error(), `missing key "actors"`) {
		t.Errorf("a scenario that nobody holds: %v", err)
	}
	f.Held = true
	f.Awaits = []EventRef{"{packet: {from: server, tcp: FIN}}"}
	all, err := f.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	if watched := all[0].WatchedEvents(); len(watched) != 1 || watched[0].Event.Kind != EventPacket {
		t.Errorf("it watches for %v", watched)
	}
	f.Awaits = []EventRef{"fault.silent.hit[2]", "{packet: {from: sever}}"}
	if _, err := f.Expand(nil); err == nil || !strings.Contains(err.Error(), `unknown host "sever" (did you mean "server"?)`) {
		t.Errorf("an event of an unknown host: %v", err)
	}
}

func TestCheckEvent(t *testing.T) {
	s := mustExpand(t, skeleton+`faults:
  silent: {match: {to: server}, do: drop}
actors:
  server:
    - listen: 80
    - accept: {}
      times: 2
`+someExpectation, nil)[0]
	for ref, want := range map[EventRef]string{
		"server.accept":                 "",
		"server.accept[2].start":        "",
		"fault.silent.hit[7]":           "",
		"{state: LISTEN, host: server}": "",
		"server.accept[3]":              "server.accept[3] never happens: the step is done only 2 times",
		"server.acept":                  `the actor server has no step "acept" (did you mean "accept"?)`,
		"sever.accept":                  `unknown actor "sever" (did you mean "server"?)`,
		"fault.slient.hit":              `unknown fault "slient" (did you mean "silent"?)`,
		"server.signal.go":              `no signal step raises "server.signal.go"; known here: none`,
		"{state: LISTEN, host: sever}":  `unknown host "sever" (did you mean "server"?)`,
		"":                              "want the name of an event",
	} {
		got := ""
		if err := s.CheckEvent(ref); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", ref, got, want)
		}
	}
}
