package main

import (
	"os"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"gopkg.in/yaml.v3"
)

// jobs is a file of GitHub or GitLab, as far as the test reads it: jobs with steps, or with a script.
type jobs struct {
	GitHub map[string]struct {
		Steps []struct{ Uses, Run string }
	} `yaml:"jobs"`
	GitLab map[string]yaml.Node `yaml:",inline"`
}

// of returns the commands of a job, each for a shell of its own, as the systems do.
func (j *jobs) of(ts *testscript.TestScript, name string) []string {
	var all []string
	for _, s := range j.GitHub[name].Steps {
		if s.Run != "" {
			all = append(all, s.Run)
		}
	}
	if node, ok := j.GitLab[name]; ok {
		var job struct{ Script []string }
		ts.Check(node.Decode(&job))
		all = append(all, strings.Join(job.Script, "\n"))
	}
	if len(all) == 0 {
		ts.Fatalf("there is no job %s", name)
	}
	return all
}

var expression = regexp.MustCompile(`\$\{\{ *([a-z.-]+) *\}\}`)

// job FILE JOB [NAME=VALUE]... runs the commands of a job of GitHub or GitLab in a shell, with values for
// the expressions ${{ NAME }}. Those after one that failed run, too, as their conditions say. The file
// job.log gets what they print.
func job(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: job FILE JOB [NAME=VALUE]...")
	}
	text, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	var j jobs
	ts.Check(yaml.Unmarshal(text, &j))
	values := map[string]string{}
	for _, arg := range args[2:] {
		name, value, _ := strings.Cut(arg, "=")
		values[name] = value
	}
	failed, printed := false, ""
	for _, command := range j.of(ts, args[1]) {
		command = expression.ReplaceAllStringFunc(command, func(text string) string {
			name := expression.FindStringSubmatch(text)[1]
			value, ok := values[name]
			if !ok {
				ts.Fatalf("%s has no value", name)
			}
			return value
		})
		if err := ts.Exec("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command); err != nil {
			failed = true
		}
		printed += ts.ReadFile("stdout") + ts.ReadFile("stderr")
	}
	ts.Check(os.WriteFile(ts.MkAbs("job.log"), []byte(printed), 0o666))
	if failed != neg {
		ts.Fatalf("the job failed: %t, want %t", failed, neg)
	}
}
