package trace

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sample is a trace with packets at several link ends, some at the same instant.
func sample(packets int) *Trace {
	t := Of([]Event{
		{Run: &Run{Scenario: "a", Wall: time.Unix(1_700_000_000, 123456789)}},
		{Host: &Host{Name: "client", Links: []Link{{Device: "eth0", Peer: "wire"}}}},
	}...)
	for i := range packets {
		t.Add(Event{T: time.Duration(i / 2), Packet: &Packet{
			LinkEnd: &LinkEnd{Host: "client", Device: fmt.Sprint("eth", i%3)}, Out: i%2 == 0,
			Frame: bytes.Repeat([]byte{byte(i)}, i%70), Length: 1514,
		}})
	}
	return t
}

func TestPacketsAreReadFromTheCapture(t *testing.T) {
	for _, n := range []int{0, 1, 100, MostSummarized + 5} {
		t.Run(fmt.Sprintf("%d packets", n), func(t *testing.T) {
			tr := sample(n)
			var text, capture bytes.Buffer
			if err := tr.WriteReferring(&text); err != nil {
				t.Fatal(err)
			}
			if err := tr.WriteCapture(&capture); err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(text.Bytes(), []byte("frame")) {
				t.Error("the trace has frames, too")
			}
			got, err := Read(&text)
			if err != nil {
				t.Fatal(err)
			}
			if got.Referring() != (n > 0) {
				t.Errorf("Referring is %t", got.Referring())
			}
			if err := got.ReadCapture(&capture); err != nil {
				t.Fatal(err)
			}
			for i := range tr.Events {
				was, is := &tr.Events[i], &got.Events[i]
				if !was.IsPacket() {
					continue
				}
				p, want := is.Packet(), was.Packet()
				p.Number = 0
				if diff := cmp.Diff(want, p); diff != "" || was.T != is.T {
					t.Fatalf("event %d is at %s, want %s (-want +got):\n%s", i, is.T, was.T, diff)
				}
			}
			if len(got.Events) != len(tr.Events) {
				t.Errorf("%d events, want %d", len(got.Events), len(tr.Events))
			}
		})
	}
}

func TestACaptureThatIsNotThatOfTheTraceIsRefused(t *testing.T) {
	write := func(tr *Trace) []byte {
		var b bytes.Buffer
		if err := tr.WriteCapture(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	later := sample(20)
	for i := range later.Events {
		later.Events[i].T++
	}
	whole := write(sample(20))
	broken := bytes.Clone(whole)
	broken[len(broken)-1] = 7
	for _, tt := range []struct {
		name    string
		capture []byte
		want    string
	}{
		{"fewer packets", write(sample(19)), "it has 19 packets, fewer than the trace"},
		{"more packets", write(sample(21)), "it has more packets than the trace: 21 and more"},
		{"packets at other times", write(later), "packet 1 is not the one of the trace"},
		{"cut short", whole[:len(whole)-2], "after packet 19: unexpected EOF"},
		{"a length that does not fit", broken, "after packet 19: a block is malformed"},
		{"no capture at all", []byte("no capture at all"), "after packet 0: a block is malformed"},
		{"empty", nil, "it has 0 packets, fewer than the trace"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var text bytes.Buffer
			if err := sample(20).WriteReferring(&text); err != nil {
				t.Fatal(err)
			}
			tr, err := Read(&text)
			if err != nil {
				t.Fatal(err)
			}
			if err := tr.ReadCapture(bytes.NewReader(tt.capture)); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzReadCapture(f *testing.F) {
	var b bytes.Buffer
	if err := sample(5).WriteCapture(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, capture []byte) {
		tr := sample(5)
		if tr.ReadCapture(bytes.NewReader(capture)) == nil && !tr.Events[2].Packet().Out {
			t.Error("the first packet was received")
		}
	})
}
