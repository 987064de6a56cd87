package vm

import "encoding/binary"

// The guest sees the files of the machine by FUSE (the kernel's Documentation/filesystems/fuse.rst),
// read-only. Its kernel's requests are answered by this program on the machine. They pass through a
// window, memory of which both have a mapping (QEMU's ivshmem-plain). The guest writes a request there,
// rings, and holds.
//
// To ring and to hold is to write a byte to a port of QEMU's isa-debugcon, which passes it on to a pipe
// before the guest's processor continues. A pipe for holding is full until the answer is there, so the
// guest's time stands still while the machine works on a request, however long that takes. Two pipes
// take turns: one is full again before the other lets the guest go. A device that answers later by an
// interrupt would let an idle guest in warped time jump to its next timer, hours away, before the first
// file is open.
const (
	// windowSize is a power of two, as the memory of a PCI device must be.
	windowSize = 512 << 10
	// The window begins with the length of the request and that of the answer, 0 if the kernel wants
	// none.
	requestLengthAt, answerLengthAt = 0, 4
	requestAt, answerAt             = 4 << 10, 256 << 10

	// windowDevice is the device of QEMU that shows the window.
	windowDevice = "ivshmem-plain"

	ringPort = 0xe9
)

// holdPorts are the ports to hold at.
var holdPorts = [2]uint16{0xea, 0xeb}

// window is the memory of the window.
type window []byte

// request returns the request, as far as its length is possible.
func (w window) request() []byte {
	n := binary.LittleEndian.Uint32(w[requestLengthAt:])
	return w[requestAt:][:min(n, answerAt-requestAt)]
}

func (w window) setRequest(length int) {
	binary.LittleEndian.PutUint32(w[requestLengthAt:], uint32(length))
}

// requestRoom and answerRoom are where requests and answers are.
func (w window) requestRoom() []byte { return w[requestAt:answerAt] }

func (w window) answerRoom() []byte { return w[answerAt:] }

// answer returns the answer, as far as its length is possible.
func (w window) answer() []byte {
	n := binary.LittleEndian.Uint32(w[answerLengthAt:])
	return w[answerAt:][:min(n, windowSize-answerAt)]
}

func (w window) setAnswer(length int) {
	binary.LittleEndian.PutUint32(w[answerLengthAt:], uint32(length))
}
