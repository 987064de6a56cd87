package language

import (
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/decode"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// typeForm is how a type is written in YAML, if its tags and methods do not say it. A nil read or
// schema follows from the type.
type typeForm struct {
	read   func(*decoder, *yaml.Node, reflect.Value)
	schema func(*schemaBuilder, reflect.Type) *jsonschema.Schema
}

// forms has the types with a special form in YAML.
var forms = map[reflect.Type]typeForm{
	reflect.TypeFor[Step]():        {read: into((*decoder).step), schema: (*schemaBuilder).step},
	reflect.TypeFor[Action]():      {read: into((*decoder).action), schema: (*schemaBuilder).oneOf},
	reflect.TypeFor[Expectation](): {read: into((*decoder).expectation), schema: (*schemaBuilder).expectation},
	reflect.TypeFor[Text]():        {read: into((*decoder).text), schema: (*schemaBuilder).text},

	reflect.TypeFor[Actor]():       {read: into((*decoder).namedActor)},
	reflect.TypeFor[Fault]():       {read: into((*decoder).namedFault)},
	reflect.TypeFor[[]Sysctl]():    {read: into((*decoder).sysctls)},
	reflect.TypeFor[Exec]():        {read: into((*decoder).exec)},
	reflect.TypeFor[Start]():       {read: into((*decoder).start)},
	reflect.TypeFor[Unproven]():    {read: into((*decoder).unproven)},
	reflect.TypeFor[Wait]():        {read: into(func(d *decoder, n *yaml.Node, w *Wait) { d.orEvent(n, w, &w.Event) })},
	reflect.TypeFor[Hold]():        {read: into(func(d *decoder, n *yaml.Node, h *Hold) { d.orEvent(n, h, &h.Until) })},
	reflect.TypeFor[EventRef]():    {read: into((*decoder).eventRef), schema: eventSchema},
	reflect.TypeFor[ListenPorts](): {read: into((*decoder).listenPorts), schema: listenPortsSchema},

	reflect.TypeFor[Environment](): {read: into((*decoder).environment), schema: environmentSchema},

	reflect.TypeFor[[]Unproven](): {read: into((*decoder).control), schema: (*schemaBuilder).control},

	reflect.TypeFor[Errno]():        {read: into((*decoder).errno)},
	reflect.TypeFor[SegmentFlags](): {read: into((*decoder).segmentFlags)},
	reflect.TypeFor[[]InfoVal]():    {read: into((*decoder).infoValues), schema: infoSchema},

	reflect.TypeFor[Duration](): {schema: durationSchema},
	reflect.TypeFor[Percent]():  {schema: percentSchema},
	reflect.TypeFor[Size]():     {schema: sizeSchema},
	reflect.TypeFor[BitRate]():  {schema: bitRateSchema},
	reflect.TypeFor[Count]():    {schema: countSchema},
	reflect.TypeFor[Peak]():     {schema: countSchema},
	reflect.TypeFor[Span]():     {schema: spanSchema},
	reflect.TypeFor[Number]():   {schema: numberSchema},
	reflect.TypeFor[State]():    {schema: stateSchema},
	reflect.TypeFor[Port]():     {schema: portSchema},

	reflect.TypeFor[DropReason](): {schema: dropReasonSchema},

	reflect.TypeFor[PathState](): {schema: pathStateSchema},
}

// into adapts a method that reads into a T.
func into[T any](read func(*decoder, *yaml.Node, *T)) func(*decoder, *yaml.Node, reflect.Value) {
	return func(d *decoder, n *yaml.Node, v reflect.Value) { read(d, n, v.Addr().Interface().(*T)) }
}

// decoder reads one case of a file.
type decoder struct {
	decode.Decoder

	// The case being decoded, and the labels of all cases, which only: may name.
	family Family
	label  string
	labels []string
	// file and row are those of the case; left are the faults that the matrix leaves out of it.
	file *File
	row  *expandedRow
	left []string

	// actor is the actor being decoded, ids counts the steps of each operation in it.
	actor string
	ids   map[string]int
	// absent has the keys of a mapping that are left out because their value is a null parameter.
	absent map[*yaml.Node][]string
	// seen holds every "ACTOR.STEP", "actor NAME" and "fault NAME" of the file, including those
	// that only leaves out.
	seen map[string]bool
	// events are those that are written as mappings, by their reference.
	events map[*EventRef]mapping
}

func newDecoder(file string) *decoder {
	d := &decoder{
		ids: map[string]int{}, seen: map[string]bool{}, absent: map[*yaml.Node][]string{},
		events: map[*EventRef]mapping{},
	}
	d.Decoder = decode.Decoder{File: file, Form: d.form, Keep: d.keep, Misplaced: misplaced}
	return d
}

func (d *decoder) form(t reflect.Type) decode.Form {
	read := forms[t].read
	if read == nil {
		return nil
	}
	return func(n *yaml.Node, v reflect.Value) { read(d, n, v) }
}

// errors returns the mistakes recorded so far.
func (d *decoder) errors() []*Error { return errorsOf(d.Mistakes()) }

func errorsOf(mistakes []decode.Mistake) []*Error {
	var errs []*Error
	for _, m := range mistakes {
		errs = append(errs, &Error{Pos(m.Place), m.Problem})
	}
	return errs
}

// keep reports whether an element of a list belongs to the case being decoded.
func (d *decoder) keep(v reflect.Value) bool {
	if v.Kind() != reflect.Struct {
		return true
	}
	a, isActor := v.Addr().Interface().(*Actor)
	f, isFault := v.Addr().Interface().(*Fault)
	return d.selected(v) && !(isActor && d.emptied(a)) && !(isFault && slices.Contains(d.left, f.Name))
}

// selected reports whether an element belongs to the case being decoded. Without only it does.
// Otherwise only must name the case, or no case; and the IP version, or no version.
func (d *decoder) selected(v reflect.Value) bool {
	f := v.FieldByName("Only")
	if !f.IsValid() || f.Len() == 0 {
		return true
	}
	families, caseHit, cases, familyHit := false, false, false, false
	for i, only := range f.Interface().(Names) {
		name, value, isParameter := d.file.parameterIs(only)
		switch {
		case only == string(V4) || only == string(V6):
			families = true
			familyHit = familyHit || only == string(d.family)
		case slices.Contains(d.labels, only):
			cases = true
			caseHit = caseHit || only == d.label
		case isParameter:
			cases = true
			caseHit = caseHit || hasValue(d.row.params, name, value)
		default:
			known := append([]string{string(V4), string(V6)}, d.labels...)
			place, _ := d.Place(f.Index(i).Addr().Interface())
			d.ErrorAt(code.UnknownName, place, "only: unknown case %q%s", say.Clip(only), suggestCase(only, known))
			return true
		}
	}
	return (!families || familyHit) && (!cases || caseHit)
}

func suggestCase(only string, known []string) spell.Hint {
	return spell.DidYouMean(only, known).Or("; known here: " + say.List(known))
}

// emptied reports whether an actor has no steps left because of only. Such an actor is left out,
// too.
func (d *decoder) emptied(a *Actor) bool {
	if len(a.Steps) > 0 {
		return false
	}
	for key := range d.seen {
		if strings.HasPrefix(key, a.Name+".") {
			return true
		}
	}
	return false
}
