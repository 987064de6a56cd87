package actor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

// form says how the value of a socket option is written.
type form int

const (
	number  form = iota
	seconds      // a number of seconds, or a duration
	millis       // a number of milliseconds, or a duration
	timeval      // a duration
	linger       // "off", or a duration
	word         // text
	errno        // the name of an error, or "0"; read only
	queue        // an ioctl that counts bytes; read only
)

// option is a socket option by its numbers, or the request of an ioctl if its form is queue.
type option struct {
	level, name int
	form        form
}

var options = map[string]option{
	"SO_BINDTODEVICE":    {unix.SOL_SOCKET, unix.SO_BINDTODEVICE, word},
	"SO_BROADCAST":       {unix.SOL_SOCKET, unix.SO_BROADCAST, number},
	"SO_BUSY_POLL":       {unix.SOL_SOCKET, unix.SO_BUSY_POLL, number},
	"SO_DEBUG":           {unix.SOL_SOCKET, unix.SO_DEBUG, number},
	"SO_DOMAIN":          {unix.SOL_SOCKET, unix.SO_DOMAIN, number},
	"SO_DONTROUTE":       {unix.SOL_SOCKET, unix.SO_DONTROUTE, number},
	"SO_ERROR":           {unix.SOL_SOCKET, unix.SO_ERROR, errno},
	"SO_INCOMING_CPU":    {unix.SOL_SOCKET, unix.SO_INCOMING_CPU, number},
	"SO_KEEPALIVE":       {unix.SOL_SOCKET, unix.SO_KEEPALIVE, number},
	"SO_LINGER":          {unix.SOL_SOCKET, unix.SO_LINGER, linger},
	"SO_MARK":            {unix.SOL_SOCKET, unix.SO_MARK, number},
	"SO_OOBINLINE":       {unix.SOL_SOCKET, unix.SO_OOBINLINE, number},
	"SO_PRIORITY":        {unix.SOL_SOCKET, unix.SO_PRIORITY, number},
	"SO_PROTOCOL":        {unix.SOL_SOCKET, unix.SO_PROTOCOL, number},
	"SO_RCVBUF":          {unix.SOL_SOCKET, unix.SO_RCVBUF, number},
	"SO_RCVBUFFORCE":     {unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, number},
	"SO_RCVLOWAT":        {unix.SOL_SOCKET, unix.SO_RCVLOWAT, number},
	"SO_RCVTIMEO":        {unix.SOL_SOCKET, unix.SO_RCVTIMEO, timeval},
	"SO_REUSEADDR":       {unix.SOL_SOCKET, unix.SO_REUSEADDR, number},
	"SO_REUSEPORT":       {unix.SOL_SOCKET, unix.SO_REUSEPORT, number},
	"SO_SNDBUF":          {unix.SOL_SOCKET, unix.SO_SNDBUF, number},
	"SO_SNDBUFFORCE":     {unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, number},
	"SO_SNDLOWAT":        {unix.SOL_SOCKET, unix.SO_SNDLOWAT, number},
	"SO_SNDTIMEO":        {unix.SOL_SOCKET, unix.SO_SNDTIMEO, timeval},
	"SO_TYPE":            {unix.SOL_SOCKET, unix.SO_TYPE, number},
	"SO_ACCEPTCONN":      {unix.SOL_SOCKET, unix.SO_ACCEPTCONN, number},
	"SO_TIMESTAMP":       {unix.SOL_SOCKET, unix.SO_TIMESTAMP, number},
	"SO_MAX_PACING_RATE": {unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE, number},

	"IP_BIND_ADDRESS_NO_PORT": {unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, number},
	"IP_FREEBIND":             {unix.IPPROTO_IP, unix.IP_FREEBIND, number},
	"IP_LOCAL_PORT_RANGE":     {unix.IPPROTO_IP, ipLocalPortRange, number},
	"IP_MTU":                  {unix.IPPROTO_IP, unix.IP_MTU, number},
	"IP_MTU_DISCOVER":         {unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, number},
	"IP_RECVERR":              {unix.IPPROTO_IP, unix.IP_RECVERR, number},
	"IP_TOS":                  {unix.IPPROTO_IP, unix.IP_TOS, number},
	"IP_TRANSPARENT":          {unix.IPPROTO_IP, unix.IP_TRANSPARENT, number},
	"IP_TTL":                  {unix.IPPROTO_IP, unix.IP_TTL, number},
	"IP_MINTTL":               {unix.IPPROTO_IP, unix.IP_MINTTL, number},

	"IPV6_FREEBIND":     {unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, number},
	"IPV6_MTU":          {unix.IPPROTO_IPV6, unix.IPV6_MTU, number},
	"IPV6_MTU_DISCOVER": {unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, number},
	"IPV6_RECVERR":      {unix.IPPROTO_IPV6, unix.IPV6_RECVERR, number},
	"IPV6_TCLASS":       {unix.IPPROTO_IPV6, unix.IPV6_TCLASS, number},
	"IPV6_TRANSPARENT":  {unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT, number},
	"IPV6_UNICAST_HOPS": {unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, number},
	"IPV6_V6ONLY":       {unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, number},

	"TCP_CONGESTION":           {unix.IPPROTO_TCP, unix.TCP_CONGESTION, word},
	"TCP_CORK":                 {unix.IPPROTO_TCP, unix.TCP_CORK, number},
	"TCP_DEFER_ACCEPT":         {unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, seconds},
	"TCP_FASTOPEN":             {unix.IPPROTO_TCP, unix.TCP_FASTOPEN, number},
	"TCP_FASTOPEN_CONNECT":     {unix.IPPROTO_TCP, unix.TCP_FASTOPEN_CONNECT, number},
	"TCP_FASTOPEN_NO_COOKIE":   {unix.IPPROTO_TCP, unix.TCP_FASTOPEN_NO_COOKIE, number},
	"TCP_INQ":                  {unix.IPPROTO_TCP, unix.TCP_INQ, number},
	"TCP_KEEPCNT":              {unix.IPPROTO_TCP, unix.TCP_KEEPCNT, number},
	"TCP_KEEPIDLE":             {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, seconds},
	"TCP_KEEPINTVL":            {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, seconds},
	"TCP_LINGER2":              {unix.IPPROTO_TCP, unix.TCP_LINGER2, seconds},
	"TCP_MAXSEG":               {unix.IPPROTO_TCP, unix.TCP_MAXSEG, number},
	"TCP_NODELAY":              {unix.IPPROTO_TCP, unix.TCP_NODELAY, number},
	"TCP_NOTSENT_LOWAT":        {unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, number},
	"TCP_QUICKACK":             {unix.IPPROTO_TCP, unix.TCP_QUICKACK, number},
	"TCP_SAVE_SYN":             {unix.IPPROTO_TCP, unix.TCP_SAVE_SYN, number},
	"TCP_SYNCNT":               {unix.IPPROTO_TCP, unix.TCP_SYNCNT, number},
	"TCP_THIN_DUPACK":          {unix.IPPROTO_TCP, unix.TCP_THIN_DUPACK, number},
	"TCP_THIN_LINEAR_TIMEOUTS": {unix.IPPROTO_TCP, unix.TCP_THIN_LINEAR_TIMEOUTS, number},
	"TCP_TIMESTAMP":            {unix.IPPROTO_TCP, unix.TCP_TIMESTAMP, number},
	"TCP_USER_TIMEOUT":         {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, millis},
	"TCP_WINDOW_CLAMP":         {unix.IPPROTO_TCP, unix.TCP_WINDOW_CLAMP, number},

	"SIOCINQ":     {0, unix.SIOCINQ, queue},
	"SIOCOUTQ":    {0, unix.SIOCOUTQ, queue},
	"SIOCOUTQNSD": {0, siocoutqnsd, queue},
}

// Numbers that x/sys/unix lacks.
const (
	ipLocalPortRange = 51     // include/uapi/linux/in.h
	siocoutqnsd      = 0x894b // include/uapi/linux/sockios.h
)

func optionNamed(name string) (option, error) {
	o, ok := options[name]
	if !ok {
		return option{}, fmt.Errorf("unknown socket option %s", name)
	}
	return o, nil
}

// set makes one call of setsockopt(2).
func (o option) set(fd int, value string) error {
	switch o.form {
	case word:
		return unix.SetsockoptString(fd, o.level, o.name, value)
	case timeval:
		d, err := time.ParseDuration(value)
		if err != nil {
			return err
		}
		tv := unix.NsecToTimeval(int64(d))
		return unix.SetsockoptTimeval(fd, o.level, o.name, &tv)
	case linger:
		if value == "off" {
			return unix.SetsockoptLinger(fd, o.level, o.name, &unix.Linger{})
		}
		s, err := inUnits(value, time.Second)
		if err != nil {
			return err
		}
		return unix.SetsockoptLinger(fd, o.level, o.name, &unix.Linger{Onoff: 1, Linger: int32(s)})
	case errno, queue:
		return errors.New("the option can only be read")
	}
	unit := map[form]time.Duration{seconds: time.Second, millis: time.Millisecond}[o.form]
	n, err := inUnits(value, unit)
	if err != nil {
		return err
	}
	return unix.SetsockoptInt(fd, o.level, o.name, n)
}

// inUnits parses a number, also in hex. With a unit other than 0 it also accepts a duration that is
// a whole number of units.
func inUnits(value string, unit time.Duration) (int, error) {
	n, err := strconv.ParseInt(value, 0, 64)
	if err == nil {
		return int(n), nil
	}
	if unit == 0 {
		return 0, fmt.Errorf("%q is not a number", value)
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		return 0, err
	}
	if d%unit != 0 {
		return 0, fmt.Errorf("%s is not a multiple of %s", value, unit)
	}
	return int(d / unit), nil
}

// get makes one call of getsockopt(2), or of ioctl(2) for a queue. It returns the value as set
// takes it.
func (o option) get(fd int) (string, error) {
	switch o.form {
	case word:
		s, err := unix.GetsockoptString(fd, o.level, o.name)
		return strings.TrimRight(s, "\x00"), err
	case timeval:
		tv, err := unix.GetsockoptTimeval(fd, o.level, o.name)
		if err != nil {
			return "", err
		}
		return time.Duration(tv.Nano()).String(), nil
	case linger:
		var l unix.Linger
		size := uint32(unsafe.Sizeof(l))
		if _, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(o.level), uintptr(o.name),
			uintptr(unsafe.Pointer(&l)), uintptr(unsafe.Pointer(&size)), 0); e != 0 {
			return "", e
		}
		if l.Onoff == 0 {
			return "off", nil
		}
		return (time.Duration(l.Linger) * time.Second).String(), nil
	case queue:
		n, err := unix.IoctlGetInt(fd, uint(o.name))
		return strconv.Itoa(n), err
	}
	n, err := unix.GetsockoptInt(fd, o.level, o.name)
	if err == nil && o.form == errno && n != 0 {
		return errnoName(unix.Errno(n)), nil
	}
	return strconv.Itoa(n), err
}

// setsockopt sets options until one fails. The name of that option is then the outcome's value.
func (t *thread) setsockopt(step *language.Step, op *language.Setsockopt, o *outcome) {
	t.onExisting(step, o, func(s *socket) {
		for i, opt := range op.Options {
			which, err := optionNamed(opt.Name)
			if err != nil {
				o.problem(err)
				return
			}
			set := func() (int, error) { return 0, which.set(s.fd, opt.Value) }
			call := o.also
			if i == 0 {
				call = func(f func() (int, error)) bool { return t.syscall(s, o, f) }
			}
			if !call(set) {
				o.Value = opt.Name
				if o.Problem != "" {
					o.Problem = fmt.Sprintf("setting %s: %s", opt.Name, o.Problem)
				}
				return
			}
		}
	})
}

func (t *thread) getsockopt(step *language.Step, op *language.Getsockopt, o *outcome) {
	which, err := optionNamed(op.Option)
	if err != nil {
		o.problem(err)
		return
	}
	t.onExisting(step, o, func(s *socket) {
		t.syscall(s, o, func() (int, error) {
			value, err := which.get(s.fd)
			if err == nil {
				o.Value = value
			}
			return 0, err
		})
	})
}
