package image

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"halfopen/internal/report"
	"halfopen/internal/testlab"
)

// action is a composite action of GitHub, as far as the test reads it.
type action struct {
	Name, Description string
	Inputs            map[string]struct {
		Description string
		Required    bool
		Default     *string
	}
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps []step
	}
}

type step struct {
	Name, ID, If, Shell, Uses, Run string
	Env, With                      map[string]string
}

func readAction(t *testing.T) *action {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", ".github", "actions", "halfopen", "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var a action
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	if err := d.Decode(&a); err != nil {
		t.Fatal(err)
	}
	return &a
}

// step returns a step by its ID.
func (a *action) step(t *testing.T, id string) *step {
	t.Helper()
	at := slices.IndexFunc(a.Runs.Steps, func(s step) bool { return s.ID == id })
	if at < 0 {
		t.Fatalf("the action has no step %s", id)
	}
	return &a.Runs.Steps[at]
}

// What a composite action must have: a shell for each script, inputs and outputs that exist, and no
// expression in a script, where a value could become a command.
func TestActionIsComplete(t *testing.T) {
	a := readAction(t)
	if a.Name == "" || a.Description == "" || a.Runs.Using != "composite" || len(a.Runs.Steps) == 0 {
		t.Fatalf("want a name, a description and a composite action with steps: %+v", a)
	}
	for name, in := range a.Inputs {
		if in.Description == "" || in.Required == (in.Default != nil) {
			t.Errorf("input %s: want a description, and either a default or required: true", name)
		}
	}
	written := map[string]bool{} // step.output
	output := regexp.MustCompile(`(?m)echo "([a-z]+)=.*$`)
	for _, s := range a.Runs.Steps {
		for _, m := range output.FindAllStringSubmatch(s.Run, -1) {
			written[s.ID+"."+m[1]] = true
		}
	}
	reference := regexp.MustCompile(`\b(inputs|steps)\.([a-z.]+)`)
	refer := func(where, text string) {
		for _, m := range reference.FindAllStringSubmatch(text, -1) {
			_, isInput := a.Inputs[m[2]]
			isOutput := written[strings.Replace(m[2], ".outputs.", ".", 1)]
			if (m[1] == "inputs" && !isInput) || (m[1] == "steps" && !isOutput) {
				t.Errorf("%s: nothing gives %s", where, m[0])
			}
		}
	}
	for name, out := range a.Outputs {
		refer("output "+name, out.Value)
	}
	if len(written) == 0 {
		t.Error("no output is written: the test proves nothing")
	}
	pinned := regexp.MustCompile(`^[a-z]+/[a-z-]+@v[0-9]+$`)
	for _, s := range a.Runs.Steps {
		refer(s.Name, s.If)
		for _, text := range s.Env {
			refer(s.Name, text)
		}
		for _, text := range s.With {
			refer(s.Name, text)
		}
		switch {
		case s.Name == "" || (s.Run == "") == (s.Uses == ""):
			t.Errorf("%q: want a name, and run or uses", s.Name)
		case s.Run != "" && s.Shell != "bash":
			t.Errorf("%s: shell %q, want bash", s.Name, s.Shell)
		case s.Uses != "" && !pinned.MatchString(s.Uses):
			t.Errorf("%s: uses %s, want a version", s.Name, s.Uses)
		case strings.Contains(s.Run, "${{"):
			t.Errorf("%s: an expression in a script: pass it by env", s.Name)
		}
	}
}

// bash runs its scripts with these options.
var bashOptions = []string{"--noprofile", "--norc", "-eo", "pipefail"}

func TestActionScriptsAreBash(t *testing.T) {
	bash := testlab.NeedProgram(t, "bash")
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Log("shellcheck is not installed: bash alone reads the scripts")
	}
	for _, s := range readAction(t).Runs.Steps {
		if s.Run == "" {
			continue
		}
		checks := []*exec.Cmd{exec.Command(bash, "-n")}
		if shellcheck != "" {
			checks = append(checks, exec.Command(shellcheck, "-"))
		}
		for _, check := range checks {
			check.Stdin = strings.NewReader("#!/bin/bash -e\n" + s.Run)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", s.Name, err, out)
			}
		}
	}
}

// runner is a runner of GitHub for one script: a folder with the programs that stand in for those of
// the machine, and the files to which a step writes.
type runner struct {
	t   *testing.T
	dir string
}

func newRunner(t *testing.T, programs map[string]string) *runner {
	t.Helper()
	r := &runner{t, t.TempDir()}
	if err := os.Mkdir(r.path("bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range programs {
		r.write(filepath.Join("bin", name), "#!/bin/bash\n"+text)
	}
	return r
}

func (r *runner) path(name string) string { return filepath.Join(r.dir, name) }

func (r *runner) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(r.path(name), []byte(text), 0o755); err != nil {
		r.t.Fatal(err)
	}
}

// read returns what a step has written to a file, "" if nothing.
func (r *runner) read(name string) string {
	r.t.Helper()
	text, err := os.ReadFile(r.path(name))
	if err != nil && !os.IsNotExist(err) {
		r.t.Fatal(err)
	}
	return string(text)
}

// do runs the script of a step, and returns its exit status and its output.
func (r *runner) do(s *step, env ...string) (status int, out string) {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), testlab.NeedProgram(r.t, "bash"),
		append(slices.Clone(bashOptions), "-c", s.Run)...)
	cmd.Dir = r.dir
	cmd.Env = append([]string{
		"PATH=" + r.path("bin") + ":" + os.Getenv("PATH"), "HOME=" + r.dir, "RUNNER_OS=Linux",
		"RUNNER_TEMP=" + r.dir, "GITHUB_OUTPUT=" + r.path("output"), "GITHUB_PATH=" + r.path("added"),
	}, env...)
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		r.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

func TestActionRunsWhatItIsGiven(t *testing.T) {
	run := readAction(t).step(t, "run")
	const reports = "--out E/runs --report github --report junit=E/junit.xml"
	for _, c := range []struct {
		name, run string
		status    int
		want      []string
	}{
		{"a directory and a flag", "tests/tcp --jobs 4", 0, []string{"tests/tcp", "--jobs", "4"}},
		{"lines", "a.yaml\nb.yaml\n", 0, []string{"a.yaml", "b.yaml"}},
		{"a blank in quotes", `"my tests" --case 'lost=1 v4'`, 0, []string{"my tests", "--case", "lost=1 v4"}},
		{"nothing is expanded", "*.yaml $HOME $(id) ; id", 0, []string{"*.yaml", "$HOME", "$(id)", ";", "id"}},
		{"a failure", "tests", 1, []string{"tests"}},
		{"a machine that cannot run it", "tests", 3, []string{"tests"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRunner(t, map[string]string{"halfopen": `[ "$1" = doctor ] && { echo "the doctor's words"; exit 3; }
				printf '%s\n' "$@" >"$HOME/args"; exit ` + fmt.Sprint(c.status)})
			status, out := r.do(run, "RUN="+c.run, "ROOT=false", "EVIDENCE=E")
			if status != c.status || r.read("output") != fmt.Sprintf("status=%d\n", c.status) {
				t.Errorf("exit status %d, output %q, want %d\n%s", status, r.read("output"), c.status, out)
			}
			for _, m := range regexp.MustCompile(`--report ([a-z]+)`).FindAllStringSubmatch(reports, -1) {
				if _, err := report.FormatNamed(m[1]); err != nil {
					t.Errorf("--report %s: %v", m[1], err)
				}
			}
			want := slices.Concat([]string{"run"}, c.want, strings.Fields(reports))
			if diff := cmp.Diff(want, strings.Split(strings.TrimSuffix(r.read("args"), "\n"), "\n")); diff != "" {
				t.Errorf("halfopen is run with (-want +got):\n%s", diff)
			}
			if strings.Contains(out, "the doctor's words") != (c.status != 0) {
				t.Errorf("the doctor speaks after a failure, and only then:\n%s", out)
			}
		})
	}
	t.Run("a quote without its end", func(t *testing.T) {
		r := newRunner(t, map[string]string{"halfopen": `: >"$HOME/args"`})
		if status, out := r.do(run, `RUN=it's`, "ROOT=false", "EVIDENCE=E"); status == 0 || !strings.Contains(out, "quote") {
			t.Errorf("exit status %d, want a failure that names the quote:\n%s", status, out)
		}
	})
}

func TestActionInstallsARelease(t *testing.T) {
	install := readAction(t).step(t, "install")
	testlab.NeedProgram(t, "tar")
	for _, c := range []struct {
		name    string
		env     []string
		corrupt bool
		want    string // the URL of the archive, without its end; "" if nothing is to be installed
	}{
		{"the version that is asked for", []string{"VERSION=v1.2.3", "OWN_VERSION=v0.9.0"}, false, "v1.2.3/halfopen_1.2.3"},
		{"that of the action", []string{"VERSION=", "OWN_VERSION=v0.9.0"}, false, "v0.9.0/halfopen_0.9.0"},
		{"the latest for an action on a branch", []string{"VERSION=", "OWN_VERSION=main"}, false, "v7.0.0/halfopen_7.0.0"},
		{"an archive that is not the one released", []string{"VERSION=v1.2.3", "OWN_VERSION="}, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			// curl gives an archive that has a halfopen, and notes its URL.
			r := newRunner(t, map[string]string{
				"curl": `for last; do :; done
					case $last in
					*/latest) echo -n https://example.com/you/halfopen/releases/tag/v7.0.0; exit ;;
					*/checksums.txt) cp "$HOME/checksums" checksums.txt; exit ;;
					esac
					echo "$last" >"$HOME/url"
					name=${last##*/}; name=${name%.tar.gz}
					mkdir "$name"; printf '#!/bin/sh\necho halfopen of the release\n' >"$name/halfopen"
					tar --mtime=@0 --owner=0 --group=0 --sort=name -cf "$name.tar.gz" "$name"
					rm -r "$name"
					sum=$(sha256sum "$name.tar.gz")
					[ -n "$CORRUPT" ] && sum=` + fmt.Sprintf("%x", sha256.Sum256([]byte("another"))) + `
					echo "${sum%% *}  $name.tar.gz" >"$HOME/checksums"`,
				"tar":     `[ "$1" = -xzf ] && set -- -xf "${@:2}"; exec /bin/tar "$@"`,
				"apt-get": "echo apt-get must not be needed >&2; exit 1", "iptables": "", "ip": "", "sudo": "exit 0",
				"cat": "echo 0",
			})
			if c.corrupt {
				c.env = append(c.env, "CORRUPT=1")
			}
			status, out := r.do(install, append(c.env, "BINARY=", "KERNEL=", "REPOSITORY=you/halfopen", "SERVER=https://example.com")...)
			if c.want == "" {
				if status == 0 || r.read("added") != "" {
					t.Errorf("exit status %d, want a failure, and nothing in PATH:\n%s", status, out)
				}
				return
			}
			if url := r.read("url"); status != 0 ||
				!strings.HasPrefix(url, "https://example.com/you/halfopen/releases/download/"+c.want+"_linux_") {
				t.Fatalf("exit status %d after asking for %q, want %s\n%s", status, url, c.want, out)
			}
			if !strings.Contains(out, "halfopen of the release") {
				t.Errorf("the version is not printed:\n%s", out)
			}
			program := filepath.Join(strings.TrimSpace(r.read("added")), "halfopen")
			if info, err := os.Stat(program); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("the folder added to PATH has no program: %v", err)
			}
			for _, name := range []string{"evidence=/", "cache=/", "digest="} {
				if !strings.Contains(r.read("output"), name) {
					t.Errorf("no output %s: %q", name, r.read("output"))
				}
			}
		})
	}
	t.Run("a program that was built", func(t *testing.T) {
		r := newRunner(t, map[string]string{"iptables": "", "ip": "", "sudo": "", "apt-get": "exit 1", "curl": "exit 1"})
		r.write("my halfopen", "#!/bin/sh\necho mine\n")
		status, out := r.do(install, "BINARY=my halfopen", "VERSION=", "OWN_VERSION=", "KERNEL=", "REPOSITORY=", "SERVER=")
		if status != 0 || !strings.Contains(out, "mine") {
			t.Errorf("exit status %d:\n%s", status, out)
		}
	})
	for _, c := range []struct {
		name, tee, want string
		warned          bool
	}{
		{"on a machine that restricts user namespaces", `exec /usr/bin/tee "$@"`, "0", false},
		{"in a container that cannot change that", "exit 1", "1", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRunner(t, map[string]string{"iptables": "", "ip": "", "sudo": `exec "$@"`, "tee": c.tee})
			r.write("my-halfopen", "#!/bin/sh\necho mine\n")
			r.write("restricted", "1\n")
			there := *install
			there.Run = strings.Replace(there.Run, "restricted=/proc/sys/", "restricted="+r.path("restricted")+" #", 1)
			status, out := r.do(&there, "BINARY=my-halfopen", "VERSION=", "OWN_VERSION=", "KERNEL=", "REPOSITORY=", "SERVER=")
			if got := strings.TrimSpace(r.read("restricted")); status != 0 || got != c.want || strings.Contains(out, "::warning::") != c.warned {
				t.Errorf("exit status %d, it is %s, want %s:\n%s", status, got, c.want, out)
			}
		})
	}
	t.Run("another system", func(t *testing.T) {
		r := newRunner(t, nil)
		status, out := r.do(install, "RUNNER_OS=macOS", "BINARY=", "VERSION=", "OWN_VERSION=", "KERNEL=", "REPOSITORY=", "SERVER=")
		if status != 1 || !strings.Contains(out, "::error::halfopen makes labs on Linux only, not on macOS") {
			t.Errorf("exit status %d, want an error that names the system:\n%s", status, out)
		}
	})
}
