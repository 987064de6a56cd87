package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"halfopen/harness/suite"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// The hosts of an attempt, which are its actors too, and its client.
const (
	clientName = "client"
	serverName = "server"

	clientStep language.StepRef = "client.exec"
)

// defaultTimeout is after how long the client is stopped if nothing else is said.
const defaultTimeout = time.Minute

// attempt is two programs and the faults between them, as try is given them.
type attempt struct {
	server once
	client []string
	// listens is when the server is ready: a port, any, or "" for the port that the client names.
	listens string
	timeout time.Duration
	strace  bool
	family  language.Family
	faults  faultFlags
}

// attemptName is the name of a scenario that is not saved.
const attemptName = "try"

// scenario returns the scenario of the attempt. It is read from the text that would be saved, so that
// both are the same, and every mistake is found.
func (a *attempt) scenario() (*language.Scenario, error) {
	src, err := a.yaml(attemptName, nil)
	if err != nil {
		return nil, err
	}
	return a.read(attemptName, src)
}

// read reads a scenario of the attempt. Errors have no place in a text that nobody has written.
func (a *attempt) read(name string, src []byte) (*language.Scenario, error) {
	file, err := language.Parse(name, src)
	if err != nil {
		return nil, unplaced(err)
	}
	if file.Dir, err = os.Getwd(); err != nil {
		return nil, err
	}
	cases, err := suite.Expand([]*language.File{file}, nil)
	if err != nil {
		return nil, unplaced(err)
	}
	cases[0].Pos.File = "" // no command can name it
	return cases[0], nil
}

var place = regexp.MustCompile(`(?m)^[^:\n]*:[0-9]+:[0-9]+: `)

// unplaced returns an error without places in a file.
func unplaced(err error) error {
	return fmt.Errorf("%s", place.ReplaceAllString(err.Error(), ""))
}

// yaml writes the attempt as a scenario. Without expectations it has one that is always met: try judges
// nothing.
func (a *attempt) yaml(name string, expect []*yaml.Node) ([]byte, error) {
	faults, err := a.faults.parse()
	if err != nil {
		return nil, err
	}
	file := mapping()
	add(file, "name", textual(name)).HeadComment = "Written by halfopen try, for: halfopen run FILE. The keys are in docs/scenario-language.md."
	add(file, "title", textual(a.title(faults)))
	if a.family == language.V6 {
		add(file, "ip", scalar(string(language.V6)))
	}
	if a.strace {
		add(file, "calls", scalar(string(language.CallsByStrace)))
	}
	add(file, "hosts", inline(mapping(clientName, inline(mapping()), serverName, inline(mapping()))))
	if len(faults) > 0 {
		all := mapping()
		for _, f := range faults {
			add(all, f.name, f.phrase.YAML()).HeadComment = f.phrase.String()
		}
		add(file, "faults", all)
	}
	actors := mapping()
	if a.server != "" {
		start := mapping("command", textual(string(a.server)), "ready", inline(mapping("listens", scalar(a.ready()))))
		add(actors, serverName, sequence(mapping("start", start))).HeadComment = "The server runs beside the client, which begins when the server listens."
	}
	command := inline(sequence())
	for _, arg := range a.client {
		command.Content = append(command.Content, textual(arg))
	}
	add(actors, clientName, sequence(mapping("exec", mapping("command", command, "timeout", scalar(a.timeout.String())))))
	add(file, "actors", actors)
	if expect == nil {
		expect = []*yaml.Node{inline(mapping("process", scalar(string(clientStep)), "took", textual(">= 0s")))}
	}
	add(file, "expect", sequence(expect...))
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(file); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// mostTitle is the length of a title from which it is cut.
const mostTitle = 120

// title says in a line what is tried.
func (a *attempt) title(faults []namedPhrase) string {
	var phrases []string
	for _, f := range faults {
		phrases = append(phrases, f.phrase.String())
	}
	title := strings.Join(a.client, " ")
	if len(phrases) > 0 {
		title += " under " + strings.Join(phrases, ", ")
	}
	title = strings.Join(strings.Fields(say.Printable(title)), " ")
	if runes := []rune(title); len(runes) > mostTitle {
		title = string(runes[:mostTitle-3]) + "..."
	}
	return title
}

// The ways in which a command names a port of the server: server:8080, http://server/, server 8080.
var (
	serverPort   = regexp.MustCompile(`\bserver(?:\.[0-9]+)?:([0-9]{1,5})\b`)
	serverURL    = regexp.MustCompile(`\b(https?|wss?)://(?:[^/@\s]*@)?server(?:\.[0-9]+)?(?:[/?#]|$)`)
	serverAndNow = regexp.MustCompile(`\bserver(?:\.[0-9]+)?\s+([0-9]{1,5})\b`)
)

var portOf = map[string]string{"http": "80", "ws": "80", "https": "443", "wss": "443"}

// ready returns where the server must listen to be ready: the port that is asked for, or the one that
// the client's command names, or any.
func (a *attempt) ready() string {
	if a.listens != "" {
		return a.listens
	}
	command := strings.Join(a.client, " ")
	for _, named := range []*regexp.Regexp{serverPort, serverAndNow} {
		if m := named.FindStringSubmatch(command); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil && n >= 1 && n <= 65535 {
				return strconv.Itoa(n)
			}
		}
	}
	if m := serverURL.FindStringSubmatch(command); m != nil {
		return portOf[m[1]]
	}
	return "any"
}

// The parts of a YAML document.

func scalar(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: value} }

// parameter matches what the language would replace in a text, or read as an escape of that.
var parameter = regexp.MustCompile(`\$?\$\{[^{}]*\}`)

// textual returns a text that stays as it is.
func textual(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: parameter.ReplaceAllString(value, "$$$0")}
}

func sequence(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Content: items}
}

// mapping returns a mapping of keys and their values, in turn.
func mapping(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i < len(pairs); i += 2 {
		add(n, pairs[i].(string), pairs[i+1].(*yaml.Node))
	}
	return n
}

// add adds a key to a mapping, and returns it.
func add(n *yaml.Node, key string, value *yaml.Node) *yaml.Node {
	k := scalar(key)
	n.Content = append(n.Content, k, value)
	return k
}

// inline writes a list or a mapping on one line.
func inline(n *yaml.Node) *yaml.Node {
	n.Style = yaml.FlowStyle
	return n
}
