package observe

import "testing"

func TestReceiveBuffersFitIntoMemory(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		name    string
		memory  uint64
		devices int
		want    int
	}{
		{"a large machine, a small lab", 32 << 30, 4, 256 * mib},
		{"a large machine, a large lab", 32 << 30, 128, 64 * mib},
		{"a guest", 768 * mib, 6, 32 * mib},
		{"a lab without devices", 1 << 30, 0, 256 * mib},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := bufferOf(tt.memory, tt.devices); got != tt.want {
				t.Errorf("%d bytes, want %d", got, tt.want)
			}
		})
	}
}
