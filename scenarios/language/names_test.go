package language

import (
	"strings"
	"testing"
)

func TestNamesAreOfTheFormThatTheirMessagesGive(t *testing.T) {
	const at32, at64 = ", at most 32 characters", ", at most 64 characters"
	words, underscores := "want words of lower-case letters and digits, joined by -", "want words of lower-case letters and digits, joined by - or _"
	places := map[string]struct{ text, want string }{
		"a scenario": {"name: NAME\ntitle: x\nhosts: {client: }\nactors: {client: [sleep: 1s]}\nexpect: [{never: {host: client}}]\n", words + at64},
		"a tag":      {skeleton + "tags: [NAME]\nactors: {client: [sleep: 1s]}\n" + someExpectation, words + at32},
		"a host":     {"name: x\ntitle: x\nhosts: {NAME: , client: }\nactors: {client: [sleep: 1s]}\n" + someExpectation, words + at32},
		"an actor":   {skeleton + "actors: {NAME: {host: client, steps: [sleep: 1s]}}\n" + someExpectation, words + at32},
		"a fault":    {skeleton + "faults: {NAME: {do: drop}}\nactors: {client: [sleep: 1s]}\n" + someExpectation, words + at32},
		"a signal":   {skeleton + "actors: {client: [signal: NAME]}\n" + someExpectation, words + at32},
		"a step":     {skeleton + "actors: {client: [{sleep: 1s, id: NAME}]}\n" + someExpectation, underscores + at64},
		"a socket":   {skeleton + "actors: {client: [{socket: {as: NAME}}]}\n" + someExpectation, underscores + at64},
	}
	for name, good := range map[string]bool{
		"a": true, "01-digit": true, "2nd": true, "a-1-b": true, "a--b": false, "-a": false, "a-": false,
		"A": false, "a.b": false, "ä": false, strings.Repeat("a", 65): false,
	} {
		for place, c := range places {
			_, err := expandText(t, strings.ReplaceAll(c.text, "NAME", name), nil)
			switch {
			case good && err != nil:
				t.Errorf("%s named %s: %v", place, name, err)
			case !good && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%s named %s: got %v, want %s", place, name, err, c.want)
			}
		}
	}
	for name, good := range map[string]bool{"a_b": true, "1_2": true, "a__b": false, "_a": false} {
		for place, c := range places {
			_, err := expandText(t, strings.ReplaceAll(c.text, "NAME", name), nil)
			if may := good && (place == "a step" || place == "a socket"); (err == nil) != may {
				t.Errorf("%s named %s: %v", place, name, err)
			}
		}
	}
}

func TestAHostIsNotANumber(t *testing.T) {
	for _, name := range []string{"1", "0x1f", "010"} {
		_, err := expandText(t, "name: x\ntitle: x\nhosts: {"+name+": , client: }\nactors: {client: [sleep: 1s]}\n"+someExpectation, nil)
		want := `test.yaml:3:9: invalid name "` + name + `" for a host: programs take a number for an address; begin with a letter`
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestNotesNameAFileOfAnotherName(t *testing.T) {
	src := []byte(skeleton + someExpectation + "actors: {client: [sleep: 1s]}\n")
	for path, want := range map[string]string{
		"dir/skeleton.yaml": "", "skeleton.yml": "", "/dev/stdin": "",
		"dir/other.yaml": "dir/other.yaml:1:7: the scenario is named skeleton and the file other.yaml; give both the same name",
	} {
		f, err := Parse(path, src)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if notes := f.Notes(); len(notes) > 0 {
			got = notes[0].Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestMistakesInWhatIsLeftOutOfEveryCaseAreFound(t *testing.T) {
	_, err := expandText(t, skeleton+`
cases: [{case: a, n: 1}, {case: b}]
actors:
  client: [{sleep: 1, only: v6}, {sleep: 1s, times: "${n}", only: [v6, a]}, {sleep: 1s}]
expect: [{step: client.sleep3}]
`, nil)
	want := `test.yaml:7:20: "1" has no unit: write 1s or 1ms`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
