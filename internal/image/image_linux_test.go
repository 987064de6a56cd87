package image

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/internal/kernel"
	"halfopen/internal/testlab"
	"halfopen/scenarios"
)

// dockerEnv is set by make test-docker.
const dockerEnv = "HALFOPEN_TEST_DOCKER"

// The names that the test gives to images.
const (
	image       = "halfopen:test"
	standIn     = "halfopen-test-base:latest"
	standInOfGo = "halfopen-test-golang:latest"
)

// programsFolder is the folder of scenarios that run programs which the image does not have.
const programsFolder = "programs"

// runRecord is what the test reads of a line of --format json.
type runRecord struct {
	ID, Scenario, File, Status, Error string
	Verdicts                          []struct{ Status, Title, Got string }
}

// TestImage builds the image, and runs the library in it as docs/ci.md says.
func TestImage(t *testing.T) {
	if os.Getenv(dockerEnv) == "" {
		t.Skipf("takes 10 minutes and the package archive: set %s=1, or run make test-docker", dockerEnv)
	}
	if os.Geteuid() != 0 {
		t.Fatal("dockerd needs root")
	}
	before := machine(t)
	t.Cleanup(func() {
		if diff := cmp.Diff(before, machine(t)); diff != "" {
			t.Errorf("the machine is not as it was (-before +after):\n%s", diff)
		}
	})
	dir := t.TempDir()
	d := startDaemon(t, dir)
	base, golang := os.Getenv("BASE"), os.Getenv("GOLANG") // with a registry
	if base == "" {
		base = standIn
		makeBase(t, d, filepath.Join(dir, "base"))
	}
	if golang == "" {
		golang = standInOfGo
		makeGolang(t, d, base)
	}
	d.build(image, "Dockerfile", filepath.Join("..", ".."),
		"--build-arg", "BASE="+base, "--build-arg", "GOLANG="+golang, "--build-arg", "VERSION=v0.0.0-test")
	t.Logf("the image has %s bytes, its base %s",
		strings.TrimSpace(d.do("image", "inspect", "--format", "{{.Size}}", image)),
		strings.TrimSpace(d.do("image", "inspect", "--format", "{{.Size}}", base)))

	flags := strings.Fields(kernel.DockerFlags)
	without := func(drop string) []string { return append([]string{"--cap-drop", drop}, flags...) }
	folders := slices.DeleteFunc(scenarios.Folders(), func(f string) bool { return f == programsFolder })
	run := append([]string{"run", "--format", "json"}, folders...)

	t.Run("version", func(t *testing.T) {
		if o := d.run(t, nil, image, "--version"); o.status != 0 || !strings.Contains(o.out, "v0.0.0-test") {
			t.Errorf("--version: exit status %d, %q, want the one of the build", o.status, o.out)
		}
	})
	t.Run("plain docker run names the remedy", func(t *testing.T) {
		o := d.run(t, nil, image, "run", "connect-refused")
		if o.status != 3 || !strings.Contains(o.out, "docker run "+kernel.DockerFlags) ||
			strings.Contains(o.out+o.errs, "goroutine ") {
			t.Errorf("exit status %d, want 3 and the flags:\n%s%s", o.status, o.out, o.errs)
		}
		if o := d.run(t, nil, image, "doctor"); o.status != 3 {
			t.Errorf("doctor: exit status %d, want 3:\n%s", o.status, o.out)
		}
	})
	t.Run("in warped time, without any privilege", func(t *testing.T) {
		o := d.run(t, []string{"--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only", "--user", "1000"}, image,
			"run", "--format", "json", "--warp", "--case", "v4", "connect-refused", "byte-order", "syn-flood", "keepalive-default")
		for _, r := range judged(t, o, 0) {
			if r.Status == "skip" {
				t.Errorf("%s is skipped: %s", r.File, r.Error)
			}
		}
	})
	t.Run("as root, without arguments", func(t *testing.T) {
		o := d.run(t, flags, image, "run", "--format", "json")
		runs := judged(t, o, 3)
		seen := map[string]bool{}
		for _, r := range runs {
			seen[r.Scenario] = true
			if r.Status == "skip" && (!strings.HasPrefix(r.File, programsFolder+"/") ||
				!strings.Contains(r.Error, "not available here")) {
				t.Errorf("%s is skipped: %s", r.File, r.Error)
			}
		}
		library, err := scenarios.Library()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range library {
			if !seen[f.Name] {
				t.Errorf("%s was not run", f.Name)
			}
		}
	})
	for _, c := range []struct {
		name  string
		flags []string
	}{
		{"as another user", append([]string{"--user", "1000"}, flags...)},
		{"on a read-only file system", append([]string{"--read-only"}, flags...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range judged(t, d.run(t, c.flags, image, run...), 0) {
				if r.Status == "skip" {
					t.Errorf("%s is skipped: %s", r.File, r.Error)
				}
			}
		})
	}
	t.Run("with three capabilities, and with all that are named", func(t *testing.T) {
		var skipped []string
		for _, r := range judged(t, d.run(t, without("ALL"), image, run...), 3) {
			if r.Status != "skip" {
				continue
			}
			if !strings.Contains(r.Error, "CAP_") || !strings.Contains(r.Error, "docker run --cap-add") {
				t.Errorf("%s is skipped without a remedy: %s", r.File, r.Error)
			}
			skipped = append(skipped, r.Scenario)
		}
		slices.Sort(skipped)
		skipped = slices.Compact(skipped)
		t.Logf("skipped with three capabilities: %s", strings.Join(skipped, ", "))
		more := append(without("ALL"), "--cap-add", "NET_BIND_SERVICE", "--cap-add", "SETPCAP", "--cap-add", "SYS_CHROOT")
		for _, r := range judged(t, d.run(t, more, image,
			append([]string{"run", "--format", "json"}, skipped...)...), 0) {
			if r.Status == "skip" {
				t.Errorf("with six capabilities, %s is skipped: %s", r.File, r.Error)
			}
		}
	})
	t.Run("stopped in the middle of a run", func(t *testing.T) {
		id := strings.TrimSpace(d.do(slices.Concat([]string{"run", "--detach", "--network", "none"}, flags,
			[]string{image, "run", "--format", "json", "keepalive-default", "--case", "v4", "--kernel", "running"})...))
		defer d.do("rm", "--force", id)
		limit := time.Now().Add(time.Minute)
		for !strings.Contains(d.do("logs", id), `"record":"begun"`) {
			if time.Now().After(limit) {
				t.Fatal("the run does not begin within a minute")
			}
		}
		began := time.Now()
		d.do("stop", "-t", "60", id)
		took := time.Since(began)
		status := strings.TrimSpace(d.do("inspect", "--format", "{{.State.ExitCode}}", id))
		if status != "130" || took > 30*time.Second {
			t.Errorf("exit status %s after %s, want 130 long before SIGKILL:\n%s", status, took, d.do("logs", id))
		}
	})
	t.Run("evidence in a mounted folder", func(t *testing.T) {
		work := t.TempDir()
		o := d.run(t, append([]string{"--volume", work + ":/work"}, flags...), image,
			"run", "connect-refused", "--case", "v4", "--out", "evidence")
		if o.status != 0 {
			t.Fatalf("exit status %d:\n%s%s", o.status, o.out, o.errs)
		}
		stored, err := filepath.Glob(filepath.Join(work, "evidence", "connect-refused", "*", "v4", "capture.pcapng"))
		if err != nil || len(stored) == 0 {
			t.Errorf("no capture in the folder: %v", err)
		}
		o = d.run(t, []string{"--volume", work + ":/work"}, image, "inspect", "evidence")
		if o.status != 0 || !strings.Contains(o.out, "ECONNREFUSED") {
			t.Errorf("inspect: exit status %d:\n%s%s", o.status, o.out, o.errs)
		}
	})
}

// judged returns the runs that a container reported. Its exit status must be the wanted one, and no
// run may have failed.
func judged(t *testing.T, o output, status int) []runRecord {
	t.Helper()
	var runs []runRecord
	counts := map[string]int{}
	for line := range strings.Lines(o.out) {
		var r runRecord
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %.200q", err, line)
		}
		if r.Scenario == "" || r.Status == "" {
			continue // another record
		}
		runs = append(runs, r)
		counts[r.Status]++
		if r.Status == "pass" || r.Status == "skip" {
			continue
		}
		t.Errorf("%s: %s %s", r.ID, r.Status, r.Error)
		for _, v := range r.Verdicts {
			if v.Status != "pass" && v.Status != "skip" {
				t.Logf("%s: %s: saw %s", v.Status, v.Title, v.Got)
			}
		}
	}
	t.Logf("%d runs in %s: %v", len(runs), o.took.Round(time.Second), counts)
	if o.status != status {
		t.Errorf("exit status %d, want %d\n%s", o.status, status, lastLines(o.errs, 20))
	}
	if counts["pass"] == 0 {
		t.Error("no run has passed")
	}
	return runs
}

// makeBase makes the image that stands in for Debian's. Where this machine reaches the net through a
// proxy that it trusts, the image trusts it, too.
func makeBase(t *testing.T, d *daemon, dir string) {
	t.Helper()
	testlab.NeedProgram(t, "debootstrap")
	began := time.Now()
	cmd := exec.CommandContext(t.Context(), "debootstrap", "--variant=minbase", "bookworm", dir, "http://deb.debian.org/debian")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("debootstrap: %v\n%s", err, lastLines(string(out), 20))
	}
	const authorities = "etc/ssl/certs/ca-certificates.crt"
	if trusted, err := os.ReadFile("/" + authorities); err == nil {
		path := filepath.Join(dir, authorities)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, trusted, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d.importTree(standIn, dir)
	t.Logf("made the base image in %s", time.Since(began).Round(time.Second))
}

// makeGolang makes the image that stands in for that of Go: the base, and this machine's Go.
func makeGolang(t *testing.T, d *daemon, base string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Dockerfile")
	text := "FROM " + base + "\nCOPY . /usr/local/go\n" +
		"ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").CombinedOutput()
	if err != nil {
		t.Fatalf("go env GOROOT: %v: %s", err, root)
	}
	d.build(standInOfGo, file, strings.TrimSpace(string(root)))
}

// machine returns what a Docker daemon usually changes on its machine.
func machine(t *testing.T) map[string]string {
	t.Helper()
	state := map[string]string{}
	for _, command := range []string{"ip -brief link", "iptables -t filter -S", "iptables -t nat -S"} {
		words := strings.Fields(command)
		out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		state[command] = string(out)
	}
	for _, path := range []string{"/proc/sys/net/ipv4/ip_forward", "/proc/self/mountinfo"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		state[path] = string(text)
	}
	return state
}
