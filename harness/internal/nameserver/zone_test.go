package nameserver

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"
)

// zone has a name with addresses of both versions, one without, and one with many.
func zone() Zone {
	z := Zone{}
	z.Add("www.Example.test.", netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.2"))
	z.Add("empty.test")
	for i := range 100 {
		z.Add("many.test", netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
	}
	return z
}

// query packs a question.
func query(t *testing.T, name string, kind dnsmessage.Type, change func(*dnsmessage.Message)) []byte {
	t.Helper()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}},
	}
	if change != nil {
		change(&m)
	}
	packed, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// summary is an answer in words: "rcode flags: addresses".
func summary(t *testing.T, answer []byte) string {
	t.Helper()
	if answer == nil {
		return "none"
	}
	var m dnsmessage.Message
	if err := m.Unpack(answer); err != nil {
		t.Fatal(err)
	}
	text := strings.TrimPrefix(m.RCode.String(), "RCode")
	if m.ID != 7 || !m.Response || !m.Authoritative || !m.RecursionDesired {
		text += fmt.Sprintf(" (header %+v)", m.Header)
	}
	if m.Truncated {
		text += " truncated"
	}
	if len(m.Additionals) > 0 {
		text += " extended"
	}
	for _, r := range m.Answers {
		switch b := r.Body.(type) {
		case *dnsmessage.AResource:
			text += " " + netip.AddrFrom4(b.A).String()
		case *dnsmessage.AAAAResource:
			text += " " + netip.AddrFrom16(b.AAAA).String()
		}
	}
	return text
}

func TestAnswer(t *testing.T) {
	opt := func(m *dnsmessage.Message) {
		var h dnsmessage.ResourceHeader
		if err := h.SetEDNS0(4096, dnsmessage.RCodeSuccess, false); err != nil {
			t.Fatal(err)
		}
		m.Additionals = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.OPTResource{}}}
	}
	var hundred string
	for i := range 100 {
		hundred += fmt.Sprintf(" 192.0.2.%d", i)
	}
	for _, c := range []struct {
		name  string
		query []byte
		limit int
		want  string
	}{
		{"addresses in their order", query(t, "www.example.test.", dnsmessage.TypeA, nil), 512, "Success 192.0.2.1 192.0.2.2"},
		{"those of the version asked for", query(t, "www.example.test.", dnsmessage.TypeAAAA, nil), 512, "Success 2001:db8::1"},
		{"a name in other letters", query(t, "WWW.example.TEST.", dnsmessage.TypeAAAA, nil), 512, "Success 2001:db8::1"},
		{"a name without an address of that version", query(t, "many.test.", dnsmessage.TypeAAAA, nil), 512, "Success"},
		{"a name without addresses", query(t, "empty.test.", dnsmessage.TypeA, nil), 512, "Success"},
		{"another type", query(t, "www.example.test.", dnsmessage.TypeMX, nil), 512, "Success"},
		{"an unknown name", query(t, "ww.example.test.", dnsmessage.TypeA, nil), 512, "NameError"},
		{"a name below one that is known", query(t, "a.www.example.test.", dnsmessage.TypeA, nil), 512, "NameError"},
		{"another class", query(t, "www.example.test.", dnsmessage.TypeA, func(m *dnsmessage.Message) { m.Questions[0].Class = dnsmessage.ClassCHAOS }), 512, "Refused"},
		{"too long for a datagram", query(t, "many.test.", dnsmessage.TypeA, nil), 512, "Success truncated"},
		{"long enough with EDNS", query(t, "many.test.", dnsmessage.TypeA, opt), 512, "Success extended" + hundred},
		{"without a limit", query(t, "many.test.", dnsmessage.TypeA, nil), 0, "Success" + hundred},
		{"two questions", query(t, "many.test.", dnsmessage.TypeA, func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) }), 512, "FormatError"},
		{"not a query", query(t, "many.test.", dnsmessage.TypeA, func(m *dnsmessage.Message) { m.OpCode = 5 }), 512, "NotImplemented"},
		{"an answer", query(t, "many.test.", dnsmessage.TypeA, func(m *dnsmessage.Message) { m.Response = true }), 512, "none"},
		{"noise", []byte("x"), 512, "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, summary(t, zone().Answer(c.query, c.limit))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05empty\x04test\x00\x00\x01\x00\x01"))
	f.Fuzz(func(t *testing.T, query []byte) {
		answer := zone().Answer(query, plainSize)
		if answer == nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(answer); err != nil {
			t.Errorf("the answer %q is not one: %v", answer, err)
		}
	})
}
