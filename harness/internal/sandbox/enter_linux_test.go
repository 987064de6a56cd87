package sandbox

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// inside is what a process in a sandbox sees.
type inside struct {
	PID       int
	Hostname  string
	Hosts     string
	Run       []string
	Processes []string
	Links     []string
	// Shared are mounts whose changes others would see, or that would show the changes of others.
	Shared []string
	// Sysctl has the values of a parameter as read after each of two writes.
	Sysctl [2]string
}

const (
	hostname  = "lab-of-a-test"
	hostsFile = "198.18.1.2 client\n"
)

func enterRole() (any, error) {
	if err := errors.Join(Enter(hostname), Cover()); err != nil {
		return nil, err
	}
	in, err := look()
	if err != nil {
		return nil, err
	}
	const parameter = "/proc/sys/net/ipv4/tcp_syn_retries"
	for i, set := range []string{"3", "4"} {
		if err := os.WriteFile(parameter, []byte(set), 0); err != nil {
			return nil, err
		}
		text, err := os.ReadFile(parameter)
		if err != nil {
			return nil, err
		}
		in.Sysctl[i] = strings.TrimSpace(string(text))
	}
	return in, nil
}

func look() (inside, error) {
	in := inside{PID: os.Getpid(), Run: names("/run"), Links: names("/sys/class/net")}
	var err error
	if in.Hostname, err = os.Hostname(); err != nil {
		return in, err
	}
	hosts, err := os.ReadFile("/etc/hosts")
	if err != nil {
		return in, err
	}
	in.Hosts = string(hosts)
	for _, name := range names("/proc") {
		if _, err := strconv.Atoi(name); err == nil {
			in.Processes = append(in.Processes, name)
		}
	}
	// The new /proc lists the interfaces of the reader's network namespace. /sys is still the
	// machine's.
	dev, err := os.ReadFile("/proc/net/dev")
	if err != nil {
		return in, err
	}
	in.Links = nil
	for line := range strings.Lines(string(dev)) {
		if name, _, ok := strings.Cut(line, ":"); ok {
			in.Links = append(in.Links, strings.TrimSpace(name))
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return in, err
	}
	for line := range strings.Lines(string(mounts)) {
		options, _, _ := strings.Cut(line, " - ")
		if strings.Contains(options, " shared:") || strings.Contains(options, " master:") {
			in.Shared = append(in.Shared, line)
		}
	}
	return in, nil
}

func names(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return []string{err.Error()}
	}
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// A sandbox has its own processes, mounts, links and host name, and the machine does not change.
func TestEnter(t *testing.T) {
	needSandbox(t)
	host := func() []string {
		in, err := look()
		if err != nil {
			t.Fatal(err)
		}
		mounts, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			t.Fatal(err)
		}
		retries, err := os.ReadFile("/proc/sys/net/ipv4/tcp_syn_retries")
		if err != nil {
			t.Fatal(err)
		}
		return []string{in.Hostname, in.Hosts, string(mounts), string(retries), strings.Join(in.Links, " ")}
	}
	before := host()
	var got inside
	run(t, "test-enter", &got)
	want := inside{
		PID:       1,
		Hostname:  hostname,
		Hosts:     got.Hosts,
		Run:       []string{},
		Processes: []string{"1"},
		Links:     []string{"lo"},
		Sysctl:    [2]string{"3", "4"},
	}
	// Some kernels add tunnel devices to each new namespace.
	got.Links = slices.DeleteFunc(got.Links, func(name string) bool { return name != "lo" })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inside (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, host()); diff != "" {
		t.Errorf("the machine has changed (-before +after):\n%s", diff)
	}
}

// Outside a sandbox Enter changes nothing and says why.
func TestEnterOutside(t *testing.T) {
	if os.Getpid() == 1 {
		t.Skip("the test itself is PID 1")
	}
	want := fmt.Sprintf("entering the sandbox: process %d is not PID 1", os.Getpid())
	if err := Enter("nowhere"); err == nil || err.Error() != want {
		t.Errorf("Enter: %v, want %s", err, want)
	}
}

func TestMountError(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{unix.EPERM, "mount(2) is not available here (needed by mounting /proc): operation not permitted; allow it: in a container run with " +
			"--cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add NET_RAW --security-opt apparmor=unconfined --security-opt systempaths=unconfined"},
		{unix.EACCES, "mount(2) is not available here (needed by mounting /proc): permission denied; allow it: in a container run with " +
			"--cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add NET_RAW --security-opt apparmor=unconfined --security-opt systempaths=unconfined"},
		{unix.EBUSY, "mounting /proc: device or resource busy"},
	} {
		err := mountError("mounting /proc", c.err)
		if err.Error() != c.want || !errors.Is(err, c.err) {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
}
