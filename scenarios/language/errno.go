package language

import (
	"reflect"
	"slices"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// linuxErrnos are the names of errors by Linux's number (include/uapi/asm-generic/errno.h); of two
// names for one number, the one that traces have. A scenario speaks of Linux, whatever system
// checks it: others number differently, and lack some.
var linuxErrnos = [...]string{
	1: "EPERM", "ENOENT", "ESRCH", "EINTR", "EIO", "ENXIO", "E2BIG", "ENOEXEC", "EBADF",
	10: "ECHILD", "EAGAIN", "ENOMEM", "EACCES", "EFAULT", "ENOTBLK", "EBUSY", "EEXIST",
	"EXDEV", "ENODEV",
	20: "ENOTDIR", "EISDIR", "EINVAL", "ENFILE", "EMFILE", "ENOTTY", "ETXTBSY", "EFBIG",
	"ENOSPC", "ESPIPE",
	30: "EROFS", "EMLINK", "EPIPE", "EDOM", "ERANGE", "EDEADLK", "ENAMETOOLONG", "ENOLCK",
	"ENOSYS", "ENOTEMPTY",
	40: "ELOOP", "", "ENOMSG", "EIDRM", "ECHRNG", "EL2NSYNC", "EL3HLT", "EL3RST", "ELNRNG",
	"EUNATCH",
	50: "ENOCSI", "EL2HLT", "EBADE", "EBADR", "EXFULL", "ENOANO", "EBADRQC", "EBADSLT", "",
	"EBFONT",
	60: "ENOSTR", "ENODATA", "ETIME", "ENOSR", "ENONET", "ENOPKG", "EREMOTE", "ENOLINK",
	"EADV", "ESRMNT",
	70: "ECOMM", "EPROTO", "EMULTIHOP", "EDOTDOT", "EBADMSG", "EOVERFLOW", "ENOTUNIQ",
	"EBADFD", "EREMCHG", "ELIBACC",
	80: "ELIBBAD", "ELIBSCN", "ELIBMAX", "ELIBEXEC", "EILSEQ", "ERESTART", "ESTRPIPE",
	"EUSERS", "ENOTSOCK", "EDESTADDRREQ",
	90: "EMSGSIZE", "EPROTOTYPE", "ENOPROTOOPT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT",
	"ENOTSUP", "EPFNOSUPPORT", "EAFNOSUPPORT", "EADDRINUSE", "EADDRNOTAVAIL",
	100: "ENETDOWN", "ENETUNREACH", "ENETRESET", "ECONNABORTED", "ECONNRESET", "ENOBUFS",
	"EISCONN", "ENOTCONN", "ESHUTDOWN", "ETOOMANYREFS",
	110: "ETIMEDOUT", "ECONNREFUSED", "EHOSTDOWN", "EHOSTUNREACH", "EALREADY", "EINPROGRESS",
	"ESTALE", "EFSCORRUPTED", "ENOTNAM", "ENAVAIL",
	120: "EISNAM", "EREMOTEIO", "EDQUOT", "ENOMEDIUM", "EMEDIUMTYPE", "ECANCELED", "ENOKEY",
	"EKEYEXPIRED", "EKEYREVOKED", "EKEYREJECTED",
	130: "EOWNERDEAD", "ENOTRECOVERABLE", "ERFKILL", "EHWPOISON",
}

// errnoAliases are second names for the same number on Linux, with the name that traces have.
var errnoAliases = map[string]string{
	"EWOULDBLOCK": "EAGAIN", "EOPNOTSUPP": "ENOTSUP", "EDEADLOCK": "EDEADLK",
}

// linuxSignals are the names of signals, without SIG, by Linux's number (signal(7), x86 and ARM).
var linuxSignals = [...]string{
	1: "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL",
	10: "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP",
	20: "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
	30: "PWR", "SYS",
}

// Errno is the name of an error of Linux, or none.
type Errno string

// NoError is the Errno of a step that succeeds.
const NoError Errno = "none"

// Set reads the name of an error, or none. A second name of an error is replaced by its first:
// EWOULDBLOCK by EAGAIN.
func (e *Errno) Set(text string) error {
	if proper, ok := errnoAliases[text]; ok {
		text = proper
	}
	names := errnoNames()
	if Errno(text) != NoError && !slices.Contains(names, text) {
		return code.Errorf(code.UnknownWord,
			"unknown error %q%s; want the name of an errno, such as EPIPE, or none",
			say.Clip(text), spell.DidYouMean(text, names))
	}
	*e = Errno(text)
	return nil
}

// errno reads the name of an error. A list of them is refused with what may be meant.
func (d *decoder) errno(n *yaml.Node, e *Errno) {
	if n.Kind == yaml.SequenceNode {
		d.Errorf(code.WrongType, n,
			"want one error, not a list: write result: -1 for any error, or an entry of expect "+
				"for each, with only or where")
		return
	}
	d.Plain(n, reflect.ValueOf(e).Elem())
}

// errnoNames are the names of errors in the order of their numbers.
func errnoNames() []string { return present(linuxErrnos[:]) }

// signalNames are the names of signals without SIG, in the order of their numbers.
func signalNames() []string { return present(linuxSignals[:]) }

// present returns the names of a table without its gaps.
func present(table []string) []string {
	return slices.DeleteFunc(slices.Clone(table), func(name string) bool { return name == "" })
}
