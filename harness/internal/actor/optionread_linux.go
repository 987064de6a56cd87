package actor

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ReadOption returns the name of a socket option, and its value as the step getsockopt shows it.
// The name of an unknown option is its numbers, and a value of an unknown form is its bytes in hex.
func ReadOption(level, number int, value []byte) (name, text string) {
	for known, o := range options {
		if o.level == level && o.name == number && o.form != queue {
			return known, o.read(value)
		}
	}
	return fmt.Sprintf("%d/%d", level, number), option{}.read(value)
}

func (o option) read(b []byte) string {
	le := binary.NativeEndian
	switch {
	case o.form == word:
		text, _, _ := strings.Cut(string(b), "\x00")
		return text
	case o.form == timeval && len(b) == 16:
		return (time.Duration(le.Uint64(b))*time.Second +
			time.Duration(le.Uint64(b[8:]))*time.Microsecond).String()
	case o.form == linger && len(b) == 8:
		if le.Uint32(b) == 0 {
			return "off"
		}
		return (time.Duration(int32(le.Uint32(b[4:]))) * time.Second).String()
	case len(b) == 4:
		n := int32(le.Uint32(b))
		if o.form == errno && n != 0 {
			return errnoName(unix.Errno(n))
		}
		return strconv.Itoa(int(n))
	case len(b) == 0:
		return ""
	}
	return fmt.Sprintf("%x", b)
}
