package decode

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
)

// A recipe has a field of every form that tags and methods describe.
type recipe struct {
	Title   string          `json:"title"`
	Serves  int             `json:"serves,omitempty"`
	Course  course          `json:"course,omitempty"`
	Oven    *oven           `json:"oven,omitempty"`
	Bowls   []bowl          `json:"bowls,omitempty"`
	Spices  []spice         `json:"spices,omitempty"`
	Labels  labels          `json:"labels,omitempty"`
	Steps   []step          `json:"steps,omitempty"`
	Hot     bool            `json:"hot,omitempty"`
	Without map[string]bool `json:"without,omitempty"`
	Notes   []string        `json:"note,omitempty" yaml:"notes"`
	Rests   []minutes       `json:"rests,omitempty"`
	From    origin          `json:"from,omitzero"`
	Shared
	Secret string `json:"secret" yaml:"-"`
	Where  spot   `json:"where,omitzero"`
}

// spot is the recipe's own type for places.
type spot struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
}

// Shared is embedded: its keys are keys of the recipe.
type Shared struct {
	Author string `json:"author,omitempty"`
}

type course string

func (course) Words() []string { return []string{"starter", "main", "dessert"} }

type minutes int

func (m *minutes) Set(text string) error {
	digits, ok := strings.CutSuffix(text, "min")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil {
		return fmt.Errorf("%q is not a time: want one such as 5min", text)
	}
	*m = minutes(n)
	return nil
}

type oven struct {
	For  minutes `yaml:",short" json:"for"`
	Heat string  `json:"heat,omitempty" jsonschema:"enum=top,enum=bottom"`
}

type bowl struct {
	Name  string `yaml:",name"`
	Size  int    `json:"size,omitempty"`
	Where spot
}

type spice struct {
	Name   string  `yaml:",name"`
	Amount minutes `yaml:",value"`
	Where  spot
}

type labels struct {
	All []spice `yaml:",whole"`
}

type origin struct {
	Region string  `json:"region,omitempty"`
	Parts  []spice `yaml:",short" json:"parts"`
}

type step struct {
	Stir *stir `json:"stir,omitempty"`
	Bake *oven `json:"bake,omitempty"`
	Sieve
}

type stir struct{}

// Sieve gives each step the key skip.
type Sieve struct {
	Skip bool `json:"skip,omitempty"`
}

// decodeRecipe decodes a recipe. Its Form reads steps as a choice of one, and its Keep drops bowls
// of size 13.
func decodeRecipe(t *testing.T, text string) (*recipe, *Decoder) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	r, d := &recipe{}, &Decoder{File: "r"}
	d.Form = func(typ reflect.Type) Form {
		if typ != reflect.TypeFor[step]() {
			return nil
		}
		return func(n *yaml.Node, v reflect.Value) { d.OneOf(n, v, "step") }
	}
	d.Keep = func(e reflect.Value) bool {
		b, ok := e.Interface().(bowl)
		return !ok || b.Size != 13
	}
	d.Misplaced = func(typ reflect.Type, key string) string {
		if typ == reflect.TypeFor[oven]() && key == "skip" {
			return "skip does not go into an oven"
		}
		return ""
	}
	d.Value(doc.Content[0], reflect.ValueOf(r).Elem())
	return r, d
}

func messages(d *Decoder) []string {
	var all []string
	for _, m := range d.Mistakes() {
		all = append(all, fmt.Sprintf("%d:%d: %s", m.Place.Line, m.Place.Col, m.Msg))
	}
	return all
}

func TestEveryFormIsRead(t *testing.T) {
	got, d := decodeRecipe(t, `title: soup
serves: 4
course: main
oven: 5min
bowls: {small: , large: {size: 3}}
spices: {salt: 1min, pepper: 2min}
labels: {a: 3min}
steps: [stir, {bake: {for: 7min, heat: top}}, {bake: 8min}]
hot: true
without: {nuts: true}
notes: one
rests: 9min
from: {clove: 4min}
author: me
`)
	if problems := messages(d); problems != nil {
		t.Errorf("mistakes: %q", problems)
	}
	want := &recipe{
		Title: "soup", Serves: 4, Course: "main", Oven: &oven{For: 5},
		Bowls: []bowl{
			{Name: "small", Where: spot{"r", 5, 9}},
			{Name: "large", Size: 3, Where: spot{"r", 5, 18}},
		},
		Spices: []spice{
			{"salt", 1, spot{"r", 6, 10}},
			{"pepper", 2, spot{"r", 6, 22}},
		},
		Labels: labels{[]spice{{"a", 3, spot{"r", 7, 10}}}},
		Steps:  []step{{Stir: &stir{}}, {Bake: &oven{7, "top"}}, {Bake: &oven{For: 8}}},
		Hot:    true, Without: map[string]bool{"nuts": true}, Notes: []string{"one"}, Rests: []minutes{9},
		From:   origin{Parts: []spice{{"clove", 4, spot{"r", 13, 8}}}},
		Shared: Shared{"me"}, Where: spot{"r", 1, 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// recipeKeys are the keys of a recipe.
const recipeKeys = "title, serves, course, oven, bowls, spices, labels, steps, hot, " +
	"without, notes, rests, from, author"

func TestMistakesAreReportedAtTheirPlace(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"a key that is missing": {
			"serves: 1",
			`1:1: missing key "title"`,
		},
		"an unknown key": {
			"title: x\nserve: 1",
			`2:1: unknown key "serve" (did you mean "serves"?)`,
		},
		"a field that is not a key": {
			"title: x\nsecret: y",
			`2:1: unknown key "secret"; known here: ` + recipeKeys,
		},
		"a merge key": {
			"title: x\n<<: {hot: true}",
			`2:1: unknown key "<<"; merge keys are not supported, write the keys out`,
		},
		"a key that is not text": {
			"title: x\n? [a]\n: 1",
			`2:3: invalid key: want a name|2:3: unknown key ""; known here: ` + recipeKeys,
		},
		"a key twice": {
			"title: x\ntitle: y",
			`2:1: duplicate key "title": keep one of them`,
		},
		"a section under a misspelt name": {
			"title: x\novne: {hat: top}",
			`2:1: unknown key "ovne" (did you mean "oven"?)|2:8: unknown key "hat" (did you mean "heat"?)|2:7: missing key "for"`,
		},
		"a misplaced key": {
			"title: x\noven: {for: 1min, skip: true}",
			`2:19: skip does not go into an oven`,
		},
		"a word": {
			"title: x\ncourse: maim",
			`2:9: invalid value "maim": want one of starter, main, dessert (did you mean "main"?)`,
		},
		"a word of a field": {
			"title: x\noven: {for: 1min, heat: left}",
			`2:25: invalid value "left": want one of top, bottom`,
		},
		"a scalar that is set": {
			"title: x\noven: soon",
			`2:7: "soon" is not a time: want one such as 5min`,
		},
		"a missing value": {
			"title: \nserves: 1",
			`1:7: missing value: want a single value here`,
		},
		"a list for a value": {
			"title: [x]",
			`1:8: want a single value here, not a list`,
		},
		"a mapping for a value": {
			"title: {x: y}",
			`1:8: want a single value here, not a mapping`,
		},
		"not a number": {
			"title: x\nserves: many",
			`2:9: want an integer, not "many"`,
		},
		"not true or false": {
			"title: x\nhot: very",
			`2:6: want true or false, not "very"`,
		},
		"null for a mapping": {
			"title: x\noven: ",
			`2:6: missing key "for"`,
		},
		"not a mapping": {
			"title: x\nbowls: {a: 3}",
			`2:12: want a mapping here, with the keys size`,
		},
		"not a mapping where the short form is one": {
			"title: x\nfrom: home",
			`2:7: want a mapping here, with the keys region and parts`,
		},
		"not a mapping of names": {
			"title: x\nbowls: [a]",
			`2:8: want a mapping of names here`,
		},
		"not a mapping of names to values": {
			"title: x\nlabels: [a]",
			`2:9: want a mapping of names to values here`,
		},
		"not a mapping to true or false": {
			"title: x\nwithout: nuts",
			`2:10: want a mapping of names to true or false here`,
		},
		"a value that is not wanted": {
			"title: x\nsteps: [{stir: 3}]",
			`2:16: want no value here`,
		},
		"not a list": {
			"title: x\nsteps: stir",
			`2:8: want a list here`,
		},
		"a missing list": {
			"title: x\nnotes: ",
			`2:7: missing value: want a list here`,
		},
		"a list for a step": {
			"title: x\nsteps: [[]]",
			`2:9: want one step here: stir, bake, skip`,
		},
		"two steps in one": {
			"title: x\nsteps: [{stir: , bake: 1min}]",
			`2:18: want only one step here: "stir" is set already`,
		},
		"an unknown step": {
			"title: x\nsteps: [stirr]",
			`2:9: unknown step "stirr" (did you mean "stir"?)`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, d := decodeRecipe(t, test.text)
			if diff := cmp.Diff(strings.Split(test.want, "|"), messages(d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlacesAreThoseOfWhatStays(t *testing.T) {
	r, d := decodeRecipe(t, "title: x\nbowls:\n  out: {size: 13}\n  in: {}\n  lost: {size: 13}\n")
	if len(r.Bowls) != 1 || r.Bowls[0].Name != "in" || r.Bowls[0].Where != (spot{"r", 4, 3}) {
		t.Fatalf("bowls: %+v", r.Bowls)
	}
	if p, ok := d.Place(&r.Bowls[0].Size); ok {
		t.Errorf("a bowl without a size has one at %v: the place of the dropped bowl", p)
	}
	if p, ok := d.Place(&r.Title); !ok || p != (Place{"r", 1, 8}) {
		t.Errorf("the title is at %v, %t", p, ok)
	}
	if _, ok := d.Place(nil); ok {
		t.Error("nothing has a place")
	}
}

func TestNothingIsAddedToWhatIsBad(t *testing.T) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: BadTag, Line: 3, Column: 4}
	d, m := &Decoder{}, minutes(7)
	d.Value(n, reflect.ValueOf(&m).Elem())
	if m != 7 || len(d.Mistakes()) != 0 {
		t.Errorf("got %d, mistakes %v", m, d.Mistakes())
	}
	if !d.Reported(Place{"", 3, 4}) || d.Reported(Place{"", 3, 5}) {
		t.Error("the place of a bad value is not reported, or another one is")
	}
	d.ErrorAt(code.WrongType, Place{"", 3, 5}, "wrong")
	if !d.Reported(Place{"", 3, 5}) {
		t.Error("a recorded mistake is not reported")
	}
}

func TestMistakesOfWhatIsLeftOutAreForgotten(t *testing.T) {
	_, d := decodeRecipe(t, "title: x\nbowls:\n  lost: {size: 13, colour: red}\n  in: {size: few}\n")
	want := []string{`4:14: want an integer, not "few"`}
	if diff := cmp.Diff(want, messages(d)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatIsBadNamesItsMistakesOnce(t *testing.T) {
	scalar := func(text string, line int) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: line, Column: 1}
	}
	why := []Mistake{{Place{"", 9, 9}, code.Problem{Msg: "wrong elsewhere"}}}
	d := &Decoder{}
	title, key, value := scalar("", 1), scalar("", 2), scalar("main", 3)
	d.Blame(title, why)
	d.Blame(key, append(why, Mistake{Place{"", 2, 1}, code.Problem{Msg: "wrong here"}}))
	n := &yaml.Node{Kind: yaml.MappingNode, Line: 1, Content: []*yaml.Node{
		scalar("title", 1), title, key, value, scalar("course", 4), scalar("main", 4),
	}}
	var r recipe
	d.Value(n, reflect.ValueOf(&r).Elem())
	if diff := cmp.Diff([]string{"9:9: wrong elsewhere", "2:1: wrong here"}, messages(d)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Title != "" || r.Course != "main" {
		t.Errorf("got %+v", r)
	}
}

func TestMistakesAreBounded(t *testing.T) {
	_, d := decodeRecipe(t, "title: x\nrests: ["+strings.Repeat("soon, ", 3*MaxMistakes)+"]")
	if got := len(d.Mistakes()); got != MaxMistakes+1 {
		t.Errorf("%d mistakes are recorded, want %d", got, MaxMistakes+1)
	}
}

func TestShapesAreKnown(t *testing.T) {
	f, ok := Short(reflect.TypeFor[oven]())
	if !ok || f.Key != "for" || !f.Required {
		t.Errorf("the short form of an oven is %+v, %t", f, ok)
	}
	if _, ok := Short(reflect.TypeFor[bowl]()); ok {
		t.Error("a bowl has a short form")
	}
	if got := EntryValue(reflect.TypeFor[[]spice]()); got != reflect.TypeFor[minutes]() {
		t.Errorf("a spice is written as a name and %v", got)
	}
	if got := EntryValue(reflect.TypeFor[[]bowl]()); got != reflect.TypeFor[bowl]() {
		t.Errorf("a bowl is written as a name and %v", got)
	}
	if got, ok := Whole(reflect.TypeFor[labels]()); !ok || !IsEntries(got) {
		t.Errorf("labels are written as %v, %t", got, ok)
	}
	if got := WordsOf(reflect.TypeFor[course]()); !slices.Contains(got, "dessert") {
		t.Errorf("the words of a course are %q", got)
	}
}

func TestTypesWithoutAFormAreRefused(t *testing.T) {
	defer func() {
		if err, want := fmt.Sprint(recover()), "decode: no way to decode float64"; err != want {
			t.Error(errors.New(err), "want", want)
		}
	}()
	var f float64
	(&Decoder{}).Value(&yaml.Node{Kind: yaml.ScalarNode, Value: "1"}, reflect.ValueOf(&f).Elem())
}
