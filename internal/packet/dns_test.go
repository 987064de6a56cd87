package packet

import (
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestDNS(t *testing.T) {
	message := func(name string, kind dnsmessage.Type, change func(*dnsmessage.Message)) []byte {
		m := dnsmessage.Message{Questions: []dnsmessage.Question{
			{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET},
		}}
		if change != nil {
			m.Response = true
			change(&m)
		}
		packed, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	const www = "www.example.test."
	record := func(m *dnsmessage.Message, kind dnsmessage.Type, body dnsmessage.ResourceBody) {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: kind, Class: dnsmessage.ClassINET}, Body: body,
		})
	}
	question := message(www, dnsmessage.TypeA, nil)
	for _, c := range []struct {
		name string
		d    Decoded
		want string
	}{
		{"a question", Decoded{Proto: "udp", DPort: 53, Payload: question}, "A? www.example.test"},
		{"a question with other bytes", Decoded{Proto: "udp", DPort: 53, Payload: message("a\x1b[31m b\\.", dnsmessage.TypeAAAA, nil)}, `AAAA? a\027[31m\032b\092`},
		{"addresses", Decoded{Proto: "udp", SPort: 53, Payload: message(www, dnsmessage.TypeA, func(m *dnsmessage.Message) {
			record(m, dnsmessage.TypeA, &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}})
			record(m, dnsmessage.TypeA, &dnsmessage.AResource{A: [4]byte{192, 0, 2, 2}})
		})}, "A 192.0.2.1, 192.0.2.2"},
		{"an address of version 6 behind an alias", Decoded{Proto: "udp", SPort: 53, Payload: message(www, dnsmessage.TypeAAAA, func(m *dnsmessage.Message) {
			record(m, dnsmessage.TypeCNAME, &dnsmessage.CNAMEResource{CNAME: m.Questions[0].Name})
			record(m, dnsmessage.TypeAAAA, &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}})
		})}, "AAAA 2001:db8::1"},
		{"an alias alone", Decoded{Proto: "udp", SPort: 53, Payload: message(www, dnsmessage.TypeAAAA, func(m *dnsmessage.Message) {
			record(m, dnsmessage.TypeCNAME, &dnsmessage.CNAMEResource{CNAME: m.Questions[0].Name})
		})}, "AAAA, records: 1"},
		{"no address", Decoded{Proto: "udp", SPort: 53, Payload: message(www, dnsmessage.TypeAAAA, func(*dnsmessage.Message) {})}, "no AAAA"},
		{"an unknown name", Decoded{Proto: "udp", SPort: 53, Payload: message(www, dnsmessage.TypeA, func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeNameError })}, "NXDOMAIN"},
		{"a failure", Decoded{Proto: "udp", SPort: 53, Payload: message(www, dnsmessage.TypeA, func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeServerFailure })}, "SERVFAIL"},
		{"refused", Decoded{Proto: "udp", SPort: 53, Payload: message(www, dnsmessage.TypeA, func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeRefused })}, "Refused"},
		{"truncated", Decoded{Proto: "udp", SPort: 53, Payload: message(www, dnsmessage.TypeA, func(m *dnsmessage.Message) { m.Truncated = true })}, "A truncated"},
		{"another port", Decoded{Proto: "udp", DPort: 5353, Payload: question}, ""},
		{"over TCP", Decoded{Proto: "tcp", DPort: 53, Payload: question}, ""},
		{"a fragment", Decoded{Proto: "udp", DPort: 53, Payload: question, Fragment: true}, ""},
		{"cut off", Decoded{Proto: "udp", DPort: 53, Payload: question[:20]}, ""},
		{"nothing", Decoded{Proto: "udp", DPort: 53}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.d.DNS(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
