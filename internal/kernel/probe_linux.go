package kernel

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// probe looks for one feature.
type probe struct {
	name, neededBy, remedy string
	look                   func() (detail string, err error)
}

const rootOrDocker = "run as root; in a container, run it with: docker run " + DockerFlags

// machineProbes need no namespace and change nothing.
var machineProbes = []probe{
	{UserNamespaces, "running without root", "run as root, or see the detail", userNamespaces},
	{SysAdmin, "running as root", rootOrDocker, capability(unix.CAP_SYS_ADMIN)},
	{NetAdmin, "running as root", rootOrDocker, capability(unix.CAP_NET_ADMIN)},
	{NetRaw, "running as root", rootOrDocker, capability(unix.CAP_NET_RAW)},
	{IPTables, "faults on IPv4", installIPTables, program("iptables")},
	{IP6Tables, "faults on IPv6", installIPTables, program("ip6tables")},
	{SocketTable, "fast runs (without it they are slower and just as right)", "use Linux 6.1 or newer", sysctl(SocketTable)},
	{LinearTimeouts, "scenarios on the SYN retries of Linux 6.5 and newer", "use Linux 6.5 or newer", sysctl(LinearTimeouts)},
	{KVM, "fast virtual machines", "load kvm_intel or kvm_amd, or allow nested virtualization", openable("/dev/kvm")},
	{QEMU, "runs on another kernel", "apt-get install qemu-system-x86", program("qemu-system-x86_64")},
}

const installIPTables = "install it (make deps, or apt-get install iptables)"

// labProbes work on the network namespace they are called in.
var labProbes = []probe{
	{Netem, "delay, loss and duplicate with via: tc", `drop "via" to use nfqueue, or use a kernel with CONFIG_NET_SCH_NETEM`, qdisc("netem")},
	{TBF, "rate with via: tc", `drop "via" to use nfqueue, or use a kernel with CONFIG_NET_SCH_TBF`, qdisc("tbf")},
	{SockDiag, "the states of sockets", "use a kernel with CONFIG_INET_DIAG", netlinkSocket(unix.NETLINK_INET_DIAG)},
	{NFQueue, "faults on single packets", "use a kernel with CONFIG_NETFILTER_NETLINK_QUEUE", nfqueue},
}

// Probe looks for what a lab needs of this machine. It changes nothing, and starts programs only to ask their version.
func Probe() Features { return run(machineProbes) }

// ProbeLab looks for what faults need, by trying it: it must be called in a network namespace that is the caller's alone.
// It leaves nothing behind.
func ProbeLab() Features { return run(labProbes) }

func run(probes []probe) Features {
	var found Features
	for _, p := range probes {
		f := Feature{Name: p.name, NeededBy: p.neededBy}
		var err error
		f.Detail, err = p.look()
		if f.OK = err == nil; !f.OK {
			f.Detail, f.Remedy = err.Error(), p.remedy
		}
		found = append(found, f)
	}
	return found
}

// userNamespaces tries one: a child that is never executed further than its clone(2).
func userNamespaces() (string, error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Path = "/proc/self/nonexistent"
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	err := cmd.Start()
	if errors.Is(err, unix.ENOENT) {
		return "", nil // the namespaces were made; then there was no such program, as meant
	}
	if err == nil {
		err = errors.Join(errors.New("a program that does not exist was started"), cmd.Wait())
	}
	return "", ExplainClone(err, 1)
}

func capability(number uint) func() (string, error) {
	return func() (string, error) {
		if effective(os.ReadFile)&(1<<number) == 0 {
			return "", errors.New("not in the effective set (CapEff of /proc/self/status)")
		}
		return "", nil
	}
}

func program(name string) func() (string, error) {
	return func() (string, error) {
		path, err := exec.LookPath(name)
		if err != nil {
			return "", errors.New("not found in PATH")
		}
		out, err := exec.Command(path, "--version").Output()
		if err != nil {
			return "", fmt.Errorf("%s --version: %w", path, err)
		}
		line, _, _ := strings.Cut(string(out), "\n")
		return path + ": " + line, nil
	}
}

func sysctl(name string) func() (string, error) {
	return func() (string, error) {
		text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
		if err != nil {
			return "", errors.New("this kernel has no such parameter")
		}
		return strings.TrimSpace(string(text)), nil
	}
}

func openable(path string) func() (string, error) {
	return func() (string, error) {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return "", err
		}
		return "", f.Close()
	}
}

// qdisc adds one to lo and takes it away.
func qdisc(kind string) func() (string, error) {
	return func() (string, error) {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return "", fmt.Errorf("finding lo: %w", err)
		}
		q := newQdisc(kind, netlink.QdiscAttrs{LinkIndex: lo.Attrs().Index, Handle: netlink.MakeHandle(0x6f, 0), Parent: netlink.HANDLE_ROOT})
		if err := netlink.QdiscAdd(q); err != nil {
			return "", fmt.Errorf("adding it to lo: %w", err)
		}
		return "", netlink.QdiscDel(q)
	}
}

func newQdisc(kind string, attrs netlink.QdiscAttrs) netlink.Qdisc {
	if kind == "tbf" {
		return &netlink.Tbf{QdiscAttrs: attrs, Rate: 1 << 20, Limit: 1 << 16, Buffer: 1 << 16}
	}
	return netlink.NewNetem(attrs, netlink.NetemQdiscAttrs{})
}

func netlinkSocket(protocol int) func() (string, error) {
	return func() (string, error) {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
		if err != nil {
			return "", fmt.Errorf("opening a netlink socket: %w", err)
		}
		return "", unix.Close(fd)
	}
}

// nfqueue looks for the file that nfnetlink_queue has in each network namespace once it is loaded.
func nfqueue() (string, error) {
	if _, err := netlinkSocket(unix.NETLINK_NETFILTER)(); err != nil {
		return "", err
	}
	if _, err := os.Stat("/proc/thread-self/net/netfilter/nfnetlink_queue"); err != nil {
		return "", fmt.Errorf("it is not in this kernel, or not loaded: %w", err)
	}
	return "", nil
}
