package actor

import (
	"reflect"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

func (t *thread) tcpInfo(step *language.Step, _ *language.TCPInfo, o *outcome) {
	t.onExisting(step, o, func(s *socket) {
		var info unix.TCPInfo
		size := uint32(unsafe.Sizeof(info))
		if t.syscall(s, o, func() (int, error) {
			_, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), unix.IPPROTO_TCP, unix.TCP_INFO,
				uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
			if e != 0 {
				return -1, e
			}
			return 0, nil
		}) {
			o.Values = infoValues(&info, size)
		}
	})
}

// infoValues returns the fields of struct tcp_info that the kernel has filled in, by name without
// tcpi_. A kernel older than this program's definition of the structure fills in fewer fields.
func infoValues(info *unix.TCPInfo, size uint32) map[string]int64 {
	values := make(map[string]int64)
	v := reflect.ValueOf(info).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.IsExported() && field.Offset+field.Type.Size() <= uintptr(size) {
			values[strings.ToLower(field.Name)] = int64(v.Field(i).Uint())
		}
	}
	// Two bytes of bit fields that Go cannot name follow tcpi_options (include/uapi/linux/tcp.h).
	const scales, flags = 6, 7
	if size > flags {
		b := (*[flags + 1]byte)(unsafe.Pointer(info))
		values["snd_wscale"] = int64(b[scales] & 0xf)
		values["rcv_wscale"] = int64(b[scales] >> 4)
		values["delivery_rate_app_limited"] = int64(b[flags] & 1)
		values["fastopen_client_fail"] = int64(b[flags] >> 1 & 3)
	}
	return values
}
