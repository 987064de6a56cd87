package packet

// Small is the length in bytes up to which a frame is kept whole where only headers are kept:
// requests of a line or two, and all that ICMP errors quote of headers.
const Small = 256

// HeadersLength returns how many bytes of a frame to keep where only headers are kept: the whole of
// a frame of at most [Small] bytes, the headers of a longer TCP segment, and the first [Small] bytes
// of anything else. Headers that are longer than that, such as those of IPv6 with extensions, are
// kept, too. The frame may be cut already.
func HeadersLength(frame []byte) int {
	if len(frame) <= Small {
		return len(frame)
	}
	d := Decode(frame)
	if d.Proto != "tcp" || d.Fragment {
		return Small
	}
	if d.Malformed { // its header may be longer than the rest of the frame that was read
		return len(frame)
	}
	// The payload is a part of the frame.
	return cap(frame) - cap(d.Payload)
}
