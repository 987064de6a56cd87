package hand

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"halfopen/internal/testlab"
)

// place makes a folder the place of the labs of this test.
func place(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	return filepath.Join(dir, "halfopen")
}

func open(t *testing.T) *Door {
	t.Helper()
	d, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// echo is a lab that answers with the host of the request, its client, and the text of its first file.
func echo(request []byte, files []*os.File) error {
	var r Request
	if err := json.Unmarshal(request, &r); err != nil {
		return err
	}
	if len(files) != 2 {
		return fmt.Errorf("%d files came", len(files))
	}
	text, err := io.ReadAll(files[1])
	if err != nil {
		return err
	}
	fd, err := unix.Dup(int(files[0].Fd()))
	if err != nil {
		return err
	}
	c, err := NewConn(os.NewFile(uintptr(fd), "client"))
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Send(Reply{Error: fmt.Sprintf("%s %s %s", r.Host, r.By, text)})
}

func TestARequestReachesItsLabWithItsFiles(t *testing.T) {
	place(t)
	d, other := open(t), open(t)
	d.Add(Lab{Run: "first", State: Held}, func([]byte, []*os.File) error { return errors.New("wrong lab") })
	d.Add(Lab{Run: "second", State: Running}, echo)
	remove := other.Add(Lab{Run: "third", State: Held}, nil)
	labs, err := Labs()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range labs {
		got = append(got, l.ID+" "+l.Run)
	}
	if text := strings.Join(got, ", "); text != "1.1 first, 1.2 second, 2 third" {
		t.Fatalf("listed %s", text)
	}
	c, err := Dial(&labs[1])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := c.Send(Request{Op: OpEnter, Lab: labs[1].Number, Host: "server"}, f); err != nil {
		t.Fatal(err)
	}
	var r Reply
	if _, err := c.Receive(&r); err != nil {
		t.Fatal(err)
	}
	me := fmt.Sprintf("user %d", os.Geteuid())
	if u, err := user.Current(); err == nil {
		me = u.Username
	}
	if want := fmt.Sprintf("server %s text", me); r.Error != want {
		t.Errorf("the lab got %q, want %q", r.Error, want)
	}
	if _, err := c.Receive(&r); !errors.Is(err, io.EOF) {
		t.Errorf("after the answer came %v, want the end", err)
	}

	remove()
	if labs, err = Labs(); err != nil || len(labs) != 2 {
		t.Errorf("%d labs (%v), want 2 without the one that has ended", len(labs), err)
	}
}

func TestASocketOfADeadProcessIsReplaced(t *testing.T) {
	dir := place(t)
	first := open(t)
	dead, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: filepath.Join(dir, "2"), Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	if labs, err := Labs(); err != nil || len(labs) != 0 {
		t.Errorf("%d labs (%v), want none", len(labs), err)
	}
	if second, third := open(t), open(t); first.Name+second.Name+third.Name != "123" {
		t.Errorf("doors %s, %s and %s, want 1, 2 and 3", first.Name, second.Name, third.Name)
	}
}

func TestTheLastDoorThatIsClosedLeavesNothing(t *testing.T) {
	dir := place(t)
	first, second := open(t), open(t)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != second.Name {
		t.Errorf("%v is left (%v), want the second door", left, err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is left (%v)", err)
	}
	if labs, err := Labs(); err != nil || len(labs) != 0 {
		t.Errorf("%d labs (%v), want none", len(labs), err)
	}
}

// Processes come and go at the same time.
func TestDoorsAreOpenedAndClosedAtOnce(t *testing.T) {
	dir := place(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				d, err := Open()
				if err != nil {
					t.Error(err)
					return
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is left (%v)", err)
	}
}

func TestFoldersThatOthersMayChangeAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		make func(dir string) error
		want string
	}{
		"of which others can read": {
			func(dir string) error { return errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o755)) },
			fmt.Sprintf("halfopen belongs to user %d and has mode 0755: want user %[1]d and 0700; remove it", os.Geteuid()),
		},
		"a symbolic link": {
			func(dir string) error { return os.Symlink(os.TempDir(), dir) },
			"halfopen: not a directory",
		},
		"a file": {
			func(dir string) error { return os.WriteFile(dir, nil, 0o600) },
			"halfopen: not a directory",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := test.make(place(t)); err != nil {
				t.Fatal(err)
			}
			d, err := Open()
			if err == nil {
				d.Close()
				t.Fatal("the folder was used")
			}
			if !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("%v, want ...%s", err, test.want)
			}
			if _, err := Labs(); err == nil || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("labs were looked for: %v", err)
			}
		})
	}
}

// The root of a lab is the same user, and may see the socket in a folder of the machine.
func TestClientsInALabAreRefused(t *testing.T) {
	const asked = "HALFOPEN_TEST_HAND_CLIENT"
	if path := os.Getenv(asked); path != "" {
		c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
		if err != nil {
			t.Fatal(err)
		}
		labs, err := (&Conn{c}).list()
		fmt.Printf("labs: %d, %v\n", len(labs), err)
		return
	}
	path := filepath.Join(place(t), open(t).Name)
	for name, test := range map[string]struct {
		flags uintptr
		want  string
	}{
		"beside it": {0, "labs: 0, <nil>\n"},
		"in a lab": {
			unix.CLONE_NEWPID,
			"labs: 0, a lab is not entered from within another one, nor from a container\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe", "-test.run", "^TestClientsInALabAreRefused$")
			cmd.Env = append(os.Environ(), asked+"="+path)
			if test.flags != 0 {
				cmd.SysProcAttr = testlab.Namespaces(test.flags)
			}
			out, err := cmd.Output()
			testlab.Supported(t, err)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(out), test.want) {
				t.Errorf("got %q, want %q", out, test.want)
			}
		})
	}
}
