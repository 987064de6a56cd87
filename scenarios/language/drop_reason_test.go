package language

import (
	"slices"
	"testing"
)

func TestReasonsAreReadAsKernelAndToolsWriteThem(t *testing.T) {
	for text, want := range map[string]DropReason{
		"TCP_CSUM":                 "TCP_CSUM",
		"tcp_csum":                 "TCP_CSUM",
		"SKB_DROP_REASON_TCP_CSUM": "TCP_CSUM",
		"skb_drop_reason_tcp_csum": "TCP_CSUM",
		"OF_TOMORROW_2":            "OF_TOMORROW_2",
		"TCP-CSUM":                 "",
		"SKB_DROP_REASON_":         "",
		"":                         "",
	} {
		var got DropReason
		if err := got.Set(text); got != want || (err != nil) != (want == "") {
			t.Errorf("%q is read as %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestReasonsThatNoKernelHasAreNoted(t *testing.T) {
	notes := func(expect string) []string {
		var texts []string
		text := skeleton + "actors:\n  client: [connect: \"client:80\"]\nexpect:\n  - " + expect + "\n"
		for _, n := range mustExpand(t, text, nil)[0].Notes() {
			texts = append(texts, n.Error())
		}
		return texts
	}
	for expect, want := range map[string][]string{
		"{drops: {host: client, reason: tcp_csum}, none: true}": nil,
		"{drops: {host: client}, none: true}":                   nil,
		"{drops: {host: client, reason: [TCP_CSUM, TCP_CSM]}, none: true}": {
			`test.yaml:7:5: no kernel known to halfopen has the drop reason TCP_CSM (did you mean "TCP_CSUM"?)`,
		},
		"{drops: {host: client, reason: OF_TOMORROW}, none: true}": {
			"test.yaml:7:5: no kernel known to halfopen has the drop reason OF_TOMORROW",
		},
	} {
		if got := notes(expect); !slices.Equal(got, want) {
			t.Errorf("%s: notes %q, want %q", expect, got, want)
		}
	}
}

func TestDropReasonsAreListedOnce(t *testing.T) {
	names := DropReasonNames()
	slices.Sort(names)
	if n := len(slices.Compact(slices.Clone(names))); n != len(names) {
		t.Errorf("%d of %d names are listed twice", len(names)-n, len(names))
	}
	for _, name := range names {
		var r DropReason
		if err := r.Set(name); err != nil || string(r) != name || !r.Known() {
			t.Errorf("%s is read as %q, %v", name, r, err)
		}
	}
}
