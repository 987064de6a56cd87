package harness_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"halfopen/harness"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// pageOfPrograms is about a server and a client of the reader's own, for which these stand.
const pageOfPrograms = "../docs/programs.md"

const serverOfTheReader = `#!/usr/bin/python3
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(bytes(100000))
    def handle_error(self, *_): pass
http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
`

const clientOfTheReader = `#!/usr/bin/python3
import errno, http.client, sys, time, urllib.parse
try:
    url = urllib.parse.urlsplit(sys.argv[1])
    c = http.client.HTTPConnection(url.netloc, timeout=%v)
    for arg in sys.argv[1:]:
        if arg != sys.argv[1]:
            time.sleep(0.3)
        c.request("GET", urllib.parse.urlsplit(arg).path)
        r = c.getresponse()
        r.read()
        print(r.status, urllib.parse.urlsplit(arg).path, flush=True)
except (ConnectionResetError, BrokenPipeError, http.client.HTTPException):
    sys.exit("connection lost")
except OSError as e:
    sys.exit(errno.errorcode.get(e.errno) or str(e))
`

// row matches a row of the table of faults: what to write, and what the client prints.
var row = regexp.MustCompile("(?m)^\\| .* \\| `([^`]*)` \\| `([^`]*)`")

// Each fault of the table strikes, and the client prints what the table says.
func TestFaultsOfTheDocsDoWhatTheySay(t *testing.T) {
	needLab(t)
	page, err := os.ReadFile(pageOfPrograms)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "\n## Production faults\n")
	section, _, found := strings.Cut(rest, "\n## ")
	rows := row.FindAllStringSubmatch(section, -1)
	frame := yamlBlocks(section)
	if !found || len(frame) != 1 || len(rows) != strings.Count(section, "\n| ")-1 {
		t.Fatalf("%d scenarios and %d rows of %d were read", len(frame), len(rows), strings.Count(section, "\n| ")-1)
	}
	testlab.Supported(t, harness.CheckNeeds(&language.Scenario{Needs: language.Names{"/usr/bin/python3"}}))

	dir := readersFolder(t)
	var list []*language.Scenario
	add := func(fault, prints string) {
		list = append(list, fromFolder(t, dir, withFault(frame[0], fault, prints)))
	}
	for _, r := range rows {
		add(r[1], r[2])
	}
	add("elsewhere: {match: {to: server, tcp: SYN, port: 9}, do: drop}", "200 /pay")
	add("closed: {match: {to: server, tcp: SYN}, do: {reject: tcp-reset}}", "200 /pay")
	for i, j := range runAll(t, list) {
		if i < len(rows) {
			for _, line := range append(j.failures(), j.inconclusive()...) {
				t.Errorf("%s\n%s", rows[i][1], line)
			}
		} else if len(j.failures()) == 0 {
			t.Errorf("row %d, which is wrong, passes", i)
		}
	}
}

// The scenarios of the page do what they say.
func TestScenariosOfTheDocsPass(t *testing.T) {
	needLab(t)
	page, err := os.ReadFile(pageOfPrograms)
	if err != nil {
		t.Fatal(err)
	}
	testlab.Supported(t, harness.CheckNeeds(&language.Scenario{Needs: language.Names{"/usr/bin/python3"}}))
	dir := readersFolder(t)
	var list []*language.Scenario
	for _, text := range yamlBlocks(string(page)) {
		if strings.HasPrefix(text, "name: ") {
			list = append(list, fromFolder(t, dir, text))
		}
	}
	if len(list) < 2 {
		t.Fatalf("the page has %d scenarios", len(list))
	}
	for _, j := range runAll(t, list) {
		for _, line := range append(j.failures(), j.inconclusive()...) {
			t.Errorf("%s: %s", j.scenario.Name, line)
		}
	}
}

// yamlBlocks returns the blocks of YAML of a Markdown page.
func yamlBlocks(page string) []string {
	var all []string
	for _, part := range strings.Split(page, "```yaml\n")[1:] {
		text, _, _ := strings.Cut(part, "```")
		all = append(all, text)
	}
	return all
}

// withFault returns the scenario with a fault, or with a step of another actor, in which the client
// must print a text.
func withFault(frame, fault, prints string) string {
	frame, _, _ = strings.Cut(frame, "expect:")
	if step, isStep := strings.CutPrefix(fault, "- "); isStep {
		frame += "  operator: {host: server, steps: [" + step + "]}\n"
	} else {
		frame += "faults:\n  " + fault + "\n"
	}
	// A server that was stopped by SIGSTOP does not end by SIGTERM.
	frame = strings.Replace(frame, "as: web,", "as: web, stop: {signal: KILL},", 1)
	return frame + fmt.Sprintf("expect: [{log: client.exec, contains: %q}]\n", prints)
}

// readersFolder returns a folder with the reader's server and client.
func readersFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"server": serverOfTheReader, "client": fmt.Sprintf(clientOfTheReader, 1.2),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fromFolder returns the only run of a scenario in a folder.
func fromFolder(t *testing.T, dir, text string) *language.Scenario {
	t.Helper()
	path := filepath.Join(dir, "scenario.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := language.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := file.Expand(nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if len(runs) != 1 {
		t.Fatalf("%d runs", len(runs))
	}
	return runs[0]
}
