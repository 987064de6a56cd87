package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"halfopen/internal/testlab"
)

// daemon is a Docker daemon of the test's own. It has the machine's network, for apt-get and go, but
// makes no bridge and no rule there. It is process 1 of a PID namespace, with mounts of its own: when
// it ends, the kernel ends its containers and takes their mounts away.
type daemon struct {
	t      *testing.T
	socket string
}

// startDaemon starts a Docker daemon that keeps everything below dir, and ends it with the test.
func startDaemon(t *testing.T, dir string) *daemon {
	t.Helper()
	for _, program := range []string{"unshare", "dockerd", "docker"} {
		testlab.NeedProgram(t, program)
	}
	settings := filepath.Join(dir, "daemon.json") // not the machine's
	if err := os.WriteFile(settings, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	d := &daemon{t, filepath.Join(dir, "socket")}
	group := fmt.Sprintf("/halfopen-test-docker-%d", os.Getpid())
	var log bytes.Buffer
	cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		"dockerd", "--host", "unix://"+d.socket, "--pidfile", filepath.Join(dir, "pid"),
		"--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--config-file", settings, "--cgroup-parent", group,
		"--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
		"--ip-masq=false")
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // Pdeathsig is sent when this thread ends
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is killed
		}
		close(ended)
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
		if err := removeGroups(group); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the last words of dockerd:\n%s", lastLines(log.String(), 20))
		}
	})
	limit := time.After(time.Minute)
	for {
		_, err := d.try("version")
		if err == nil {
			return d
		}
		select {
		case <-ended:
			t.Fatalf("dockerd ended before it answered:\n%s", lastLines(log.String(), 20))
		case <-limit:
			t.Fatalf("dockerd does not answer within a minute: %v", err)
		case <-time.After(100 * time.Millisecond): // between two questions
		}
	}
}

// command returns a command of docker for this daemon. The old builder is in every version, and the
// only one in Debian's package.
func (d *daemon) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(d.t.Context(), "docker", args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST=unix://"+d.socket, "DOCKER_BUILDKIT=0", "DOCKER_CONTEXT=")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// try runs a command of docker, and returns its standard output.
func (d *daemon) try(args ...string) (string, error) {
	cmd := d.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("docker %s: %w\n%s", args[0], err, lastLines(out.String()+errs.String(), 20))
	}
	return out.String(), nil
}

// do is try for a command that must succeed.
func (d *daemon) do(args ...string) string {
	d.t.Helper()
	out, err := d.try(args...)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// build builds an image from a Dockerfile, and reports the time that it took.
func (d *daemon) build(name, dockerfile, context string, args ...string) {
	d.t.Helper()
	began := time.Now()
	d.do(slices.Concat([]string{"build", "--network", "host", "--tag", name, "--file", dockerfile},
		args, []string{context})...)
	d.t.Logf("built %s in %s", name, time.Since(began).Round(time.Second))
}

// importTree makes an image of a directory.
func (d *daemon) importTree(name, dir string) {
	d.t.Helper()
	tar := exec.CommandContext(d.t.Context(), "tar", "--create", "--directory", dir,
		"--exclude", "./var/cache/apt/*", "--exclude", "./var/lib/apt/lists/*", ".")
	tree, err := tar.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	load := d.command("import", "-", name)
	load.Stdin = tree
	var errs bytes.Buffer
	load.Stderr = &errs
	if err := tar.Start(); err != nil {
		d.t.Fatal(err)
	}
	err = load.Run()
	if err := errors.Join(err, tar.Wait()); err != nil {
		d.t.Fatalf("docker import: %v\n%s", err, errs.String())
	}
}

// output is what a container wrote, and its exit status.
type output struct {
	out, errs string
	status    int
	took      time.Duration
}

// run runs a container without network, with these flags of docker run, and waits for its end.
func (d *daemon) run(t *testing.T, flags []string, image string, args ...string) output {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	cmd := d.command(slices.Concat([]string{"run", "--rm", "--network", "none"}, flags, []string{image}, args)...)
	stop := context.AfterFunc(ctx, func() { _ = cmd.Cancel() })
	defer stop()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatalf("docker run %s did not end: %v", strings.Join(args, " "), ctx.Err())
	}
	return output{out.String(), errs.String(), cmd.ProcessState.ExitCode(), time.Since(began)}
}

// removeGroups removes the control groups that the daemon made for its containers.
func removeGroups(name string) error {
	var groups []string
	for _, pattern := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} {
		found, err := filepath.Glob(pattern + name)
		if err != nil {
			return err
		}
		groups = append(groups, found...)
	}
	var errs []error
	for _, group := range groups {
		var all []string
		err := filepath.WalkDir(group, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.IsDir() {
				all = append(all, path)
			}
			return err
		})
		errs = append(errs, err)
		for _, dir := range slices.Backward(all) {
			errs = append(errs, os.Remove(dir))
		}
	}
	return errors.Join(errs...)
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
