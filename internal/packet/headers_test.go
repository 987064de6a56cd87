package packet

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket/layers"
)

// What is kept of a frame decodes as the whole frame does, but for the payload.
func TestHeadersOfAFrame(t *testing.T) {
	const tcpHeaders, udpHeaders = 14 + 20 + 20, 14 + 20 + 8
	long := bytes.Repeat([]byte("x"), 1000)
	for _, tt := range []struct {
		name  string
		frame []byte
		want  int
	}{
		{"a segment without payload, padded", frame(t, layers.EthernetTypeIPv4, ip4(6), tcp(ackOnly)), 60},
		{"a short request", frame(t, layers.EthernetTypeIPv4, ip4(6), tcp(ackOnly), bytesOf("GET / HTTP/1.1")), tcpHeaders + 14},
		{"a segment of 256 bytes", frame(t, layers.EthernetTypeIPv4, ip4(6), tcp(ackOnly), bytesOf(long[:Small-tcpHeaders])), Small},
		{"a segment of 257 bytes", frame(t, layers.EthernetTypeIPv4, ip4(6), tcp(ackOnly), bytesOf(long[:Small-tcpHeaders+1])), tcpHeaders},
		{"a long segment over IPv6", frame(t, layers.EthernetTypeIPv6, ip6(6), tcp(ackOnly), bytesOf(long)), 14 + 40 + 20},
		{"a long datagram", frame(t, layers.EthernetTypeIPv4, ip4(17), &layers.UDP{SrcPort: 41234, DstPort: 53}, bytesOf(long)), Small},
		{"no frame at all", nil, 0},
		{"a long frame of another protocol", bytes.Repeat([]byte{1}, 400), Small},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// What follows in the memory of the reader is not part of the frame.
			frame := append(bytes.Clone(tt.frame), "something else"...)[:len(tt.frame)]
			got := HeadersLength(frame)
			if got != tt.want {
				t.Fatalf("%d bytes are kept, want %d", got, tt.want)
			}
			whole, cut := Decode(frame), Decode(frame[:got])
			whole.Payload, cut.Payload = nil, nil
			if d := cmp.Diff(whole, cut, cmp.Comparer(func(a, b Decoded) bool {
				return cmp.Equal(Summarize(&a), Summarize(&b)) && a.PayloadLen == b.PayloadLen
			})); d != "" {
				t.Errorf("decoded (-whole +kept):\n%s", d)
			}
		})
	}
	if cut := frame(t, layers.EthernetTypeIPv4, ip4(17), &layers.UDP{SrcPort: 41234, DstPort: 53}, bytesOf(long)); len(cut) != udpHeaders+len(long) {
		t.Errorf("the datagram has %d bytes", len(cut))
	}
}
