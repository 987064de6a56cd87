package fault

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"halfopen/internal/testlab"
)

// What was sent before Settle has met all faults after it, also those behind other queues, and so
// have the answers.
func TestSettleWaitsForWhatWasSent(t *testing.T) {
	const burst = 2000 // takes a queue some milliseconds
	tests := []struct {
		name   string
		faults string
		want   map[string]uint64
	}{
		{
			name:   "a rule",
			faults: `{f: {match: {udp: any, to: server}, do: drop}}`,
			want:   map[string]uint64{"f": burst},
		},
		{
			name:   "a queue",
			faults: `{f: {match: {udp: any, to: server}, via: nfqueue, do: drop}}`,
			want:   map[string]uint64{"f": burst},
		},
		{
			name: "three queues one after the other",
			faults: `{
				a: {match: {udp: any, to: server}, at: client.output, do: {rewrite: {ttl: 60}}},
				b: {match: {udp: any, to: server}, do: {rewrite: {ttl: 50}}},
				c: {match: {udp: any, to: server}, at: server.input, via: nfqueue, do: drop}}`,
			want: map[string]uint64{"a": burst, "b": burst, "c": burst},
		},
		{
			name: "a rule after a queue",
			faults: `{
				a: {match: {udp: any, to: server}, at: client.output, do: {rewrite: {ttl: 60}}},
				b: {match: {udp: any, to: server}, do: drop}}`,
			want: map[string]uint64{"a": burst, "b": burst},
		},
		{
			name: "answers of the other host",
			faults: `{
				a: {match: {udp: any, to: server}, do: {rewrite: {ttl: 50}}},
				b: {match: {icmp: port-unreachable, to: client}, at: client.input, via: nfqueue, do: drop}}`,
			want: map[string]uint64{"a": burst, "b": burst},
		},
		{
			name:   "a fault that does not match",
			faults: `{f: {match: {udp: any, to: client}, via: nfqueue, do: drop}}`,
			want:   map[string]uint64{"f": 0},
		},
	}
	for _, tt := range tests {
		for _, f := range families {
			t.Run(tt.name+", "+string(f), func(t *testing.T) {
				if !testlab.InLab(t) {
					return
				}
				l := newLabOf(t, f, tt.faults)
				// From then on no packet waits for a neighbour's address.
				if err := l.connect("client", "server:9", patience); !errors.Is(err, unix.ECONNREFUSED) {
					t.Fatalf("connect to a closed port: %v", err)
				}
				for name := range tt.want {
					l.on(name)
				}
				sa, family := sockaddr(l.resolve("server:9"))
				l.do("client", func() error {
					// Each socket sends once, because an answer would be an error of the next send.
					for range burst {
						fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
						if err != nil {
							return err
						}
						if err := unix.Sendto(fd, []byte("datagram"), 0, sa); err != nil {
							return err
						}
						if err := unix.Close(fd); err != nil {
							return err
						}
					}
					return nil
				})
				l.try(l.faults.Settle())
				for name, want := range tt.want {
					if got := l.hits(name); got != want {
						t.Errorf("%s: %d hits, want %d", name, got, want)
					}
				}
			})
		}
	}
}
