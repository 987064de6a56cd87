package vm

import "github.com/u-root/u-root/pkg/memio"

// writePort writes a byte to a port of the processor. The thread must be locked to its goroutine.
func writePort(port uint16) error {
	var b memio.Uint8
	return (&memio.ArchPort{}).Out(port, &b)
}
