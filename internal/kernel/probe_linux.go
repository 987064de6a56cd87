package kernel

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Finding is what one probe found out.
type Finding struct {
	// Name is what was looked for, as a person names it.
	Name string
	OK   bool
	// Essential is true where no lab works without it.
	Essential bool
	// Detail says what was found: a version, a path, an error.
	Detail string
	// NeededBy says what does not work without it, Remedy what to do. Both are empty where OK.
	NeededBy string
	Remedy   string
}

// ProbeHost looks at what can be told from outside a lab: programs and devices.
func ProbeHost() []Finding {
	return []Finding{
		program("iptables", "drop, reject and partition on IPv4", "install it: make deps, or apt-get install iptables"),
		program("ip6tables", "drop, reject and partition on IPv6", "install it: make deps, or apt-get install iptables"),
		program("tcpdump", "reading captures with it; halfopen itself does not need it", "install it: apt-get install tcpdump"),
	}
}

func program(name, neededBy, remedy string) Finding {
	f := Finding{Name: name}
	path, err := exec.LookPath(name)
	if err != nil {
		f.Detail, f.NeededBy, f.Remedy = "not found in $PATH", neededBy, remedy
		return f
	}
	f.OK, f.Detail = true, path
	if out, err := exec.Command(path, "--version").Output(); err == nil {
		first, _, _ := strings.Cut(string(out), "\n")
		f.Detail += ", " + strings.TrimSpace(first)
	}
	return f
}

// ProbeLab looks at what can only be told in a network namespace of one's own, where the calling process must be: it adds
// queueing disciplines to lo and takes them away again.
func ProbeLab() []Finding {
	findings := []Finding{
		capability("CAP_NET_ADMIN", unix.CAP_NET_ADMIN, "links, sysctls and faults"),
		capability("CAP_NET_RAW", unix.CAP_NET_RAW, "packet capture"),
		attempt("packet capture (AF_PACKET)", true, "every lab", func() error {
			return closed(unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0))
		}),
		attempt("socket states (sock_diag)", true, "every lab", func() error {
			_, err := netlink.SocketDiagTCP(unix.AF_INET)
			return err
		}),
		attempt("veth", true, "every lab", vethWorks),
		attempt("sch_tbf", false, "rate", func() error { return qdiscWorks(tbfOn) }),
		attempt("sch_netem", false, "via: tc with delay, duplicate or corrupt", func() error { return qdiscWorks(netemOn) }),
		sysctl("net.ipv4.tcp_child_ehash_entries", "socket tables of a lab's own, which make many labs at once fast (Linux 6.1)"),
		sysctl("net.ipv4.tcp_syn_linear_timeouts", "linear SYN retries before the back-off (Linux 6.5)"),
	}
	return findings
}

// HasNetem reports whether the kernel has sch_netem, asked in a network namespace of one's own.
func HasNetem() bool { return qdiscWorks(netemOn) == nil }

func capability(name string, bit uint, neededBy string) Finding {
	f := Finding{Name: name, Essential: true, OK: effective(os.ReadFile)&(1<<bit) != 0}
	if !f.OK {
		f.Detail = "not among this process's effective capabilities"
		f.NeededBy = neededBy
		f.Remedy = "in a container, run it with: docker run " + DockerFlags
	}
	return f
}

func attempt(name string, essential bool, neededBy string, try func() error) Finding {
	err := try()
	f := Finding{Name: name, Essential: essential, OK: err == nil}
	if err != nil {
		f.Detail, f.NeededBy = err.Error(), neededBy
		f.Remedy = "use a kernel that has it, or load its module as root"
	}
	return f
}

func sysctl(name, neededBy string) Finding {
	f := Finding{Name: name}
	value, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	if err != nil {
		f.Detail, f.NeededBy, f.Remedy = "this kernel has no such parameter", neededBy, "none needed: labs do without it"
		return f
	}
	f.OK, f.Detail = true, strings.TrimSpace(string(value))
	return f
}

func closed(fd int, err error) error {
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func vethWorks() error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "probe"
	veth := netlink.NewVeth(attrs)
	veth.PeerName = "eborp"
	if err := netlink.LinkAdd(veth); err != nil {
		return err
	}
	return netlink.LinkDel(veth)
}

func qdiscWorks(on func(netlink.QdiscAttrs) netlink.Qdisc) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("finding lo: %w", err)
	}
	q := on(netlink.QdiscAttrs{LinkIndex: lo.Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT})
	if err := netlink.QdiscAdd(q); err != nil {
		if errors.Is(err, unix.ENOENT) {
			return errors.New("not in this kernel")
		}
		return err
	}
	return netlink.QdiscDel(q)
}

func tbfOn(attrs netlink.QdiscAttrs) netlink.Qdisc {
	const rate, burst = 125000, 3000 // any that are valid
	return &netlink.Tbf{QdiscAttrs: attrs, Rate: rate, Limit: burst, Buffer: netlink.Xmittime(rate, burst)}
}

func netemOn(attrs netlink.QdiscAttrs) netlink.Qdisc {
	return netlink.NewNetem(attrs, netlink.NetemQdiscAttrs{Latency: 1})
}
