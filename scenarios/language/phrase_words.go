package language

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"gopkg.in/yaml.v3"

	"halfopen/internal/decode"
)

// Phrase returns the fault as a phrase, which [ParsePhrase] reads. It has neither the name nor only.
func (f *Fault) Phrase() string {
	kind, do := chosen[acting](&f.Do)
	if do == nil {
		return ""
	}
	words := []string{kind}
	v := reflect.ValueOf(do).Elem()
	for _, short := range []bool{true, false} {
		for _, field := range decode.Fields(v.Type()) {
			if value := v.FieldByIndex(field.Index); field.Short == short && (field.Required || !value.IsZero()) {
				if !short || isPhraseWord(phraseValue(value)) {
					words = append(words, field.Key)
				}
				words = append(words, phraseValue(value))
			}
		}
	}
	words = append(words, f.Match.phrase()...)
	for _, field := range decode.Fields(faultType) {
		_, isWord := faultField(field.Key)
		if value := reflect.ValueOf(f).Elem().FieldByIndex(field.Index); isWord && !value.IsZero() {
			words = append(words, field.Key, phraseValue(value))
		}
	}
	return strings.Join(words, " ")
}

// phrase returns the words of a selector.
func (m *Selector) phrase() []string {
	var words []string
	if m.Retransmission != nil {
		words = append(words, map[bool]string{true: again, false: firstTime}[*m.Retransmission])
	}
	kinds := texts(m.TCP...)
	known := kindsOf(strings.Join(kinds, ",")) != nil
	if known {
		words = append(words, strings.Join(kinds, " or "))
	}
	eachKey(m, func(k Key, value any) {
		key := strings.TrimPrefix(string(k), "payload.")
		switch {
		case k == KeyRetransmission, k == KeyTCP && known:
		case k == KeyOptions:
			words = append(words, optionWords(m.Options))
		default:
			words = append(words, key, phraseValue(reflect.ValueOf(value)))
		}
	})
	return words
}

// phraseValue writes a value as one word.
func phraseValue(v reflect.Value) string {
	if v.Kind() == reflect.Slice {
		items := make([]string, v.Len())
		for i := range items {
			items[i] = flowOf(v.Index(i))
		}
		return strings.Join(items, ",")
	}
	text := flowOf(v)
	op, number := comparator(text)
	if text == "" || op != "" && number == "" || strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || r == '"' || !unicode.IsPrint(r)
	}) {
		return strconv.Quote(text)
	}
	return text
}

// PhraseWord is a word of a phrase that has a value after it, and what it means.
type PhraseWord struct{ Word, About string }

// PhraseActions returns the words that a phrase begins with.
func PhraseActions() []PhraseWord {
	var words []PhraseWord
	for _, f := range decode.Fields(actionType) {
		words = append(words, PhraseWord{f.Key, describe(actionType, f)})
	}
	return words
}

// PhraseKeys returns the other words of a phrase that have a value: the keys of a selector and of its
// payload, TCP options, and the keys of a fault. from is both.
func PhraseKeys() (ofSelector, ofFault []PhraseWord) {
	for _, t := range []reflect.Type{selectorType, reflect.TypeFor[Payload]()} {
		for _, f := range decode.Fields(t) {
			if _, ok := selectorField(f.Key); ok {
				ofSelector = append(ofSelector, PhraseWord{f.Key, describe(t, f)})
			}
		}
	}
	ofSelector = append(ofSelector, PhraseWord{withOption, "A TCP option that is there."},
		PhraseWord{withoutOption, "A TCP option that is not there."})
	for _, f := range decode.Fields(faultType) {
		if _, ok := faultField(f.Key); ok {
			ofFault = append(ofFault, PhraseWord{f.Key, describe(faultType, f)})
		}
	}
	return ofSelector, ofFault
}

// keyWords are the words of [PhraseKeys].
var keyWords = sync.OnceValue(func() []string {
	var words []string
	ofSelector, ofFault := PhraseKeys()
	for _, w := range slices.Concat(ofSelector, ofFault) {
		words = append(words, w.Word)
	}
	return words
})

// isPhraseWord reports whether a text is a word that every phrase may have.
func isPhraseWord(text string) bool {
	text = strings.ToLower(text)
	return kindsOf(text) != nil || slices.Contains(keyWords(), text) || slices.Contains(anyPackets, text) ||
		text == again || text == firstTime || text == or
}

// selectorField finds a key of a selector, or of its payload, whose key has the name of no other. arp
// is for expectations only; options are written with and without.
func selectorField(key string) (decode.Field, bool) {
	switch Key(key) {
	case KeyARP, KeyOptions, "payload":
		return decode.Field{}, false
	}
	if f, ok := fieldOf(selectorType, key); ok {
		return f, true
	}
	f, ok := fieldOf(reflect.TypeFor[Payload](), key)
	if payload, found := fieldOf(selectorType, "payload"); ok && found {
		f.Index = append(slices.Clone(payload.Index), f.Index...)
	}
	return f, ok
}

// faultField finds a key of a fault that a phrase has a word for.
func faultField(key string) (decode.Field, bool) {
	if slices.Contains([]string{"match", "do", "only"}, key) {
		return decode.Field{}, false
	}
	return fieldOf(faultType, key)
}

func fieldOf(t reflect.Type, key string) (decode.Field, bool) {
	fields := decode.Fields(t)
	i := slices.IndexFunc(fields, func(f decode.Field) bool { return f.Key == key })
	if i < 0 {
		return decode.Field{}, false
	}
	return fields[i], true
}

// fieldType returns the type of a field, of a pointer what it points to.
func fieldType(t reflect.Type, f decode.Field) reflect.Type {
	for _, i := range f.Index {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		t = t.Field(i).Type
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// describe returns the description of a field.
func describe(t reflect.Type, f decode.Field) string {
	var field reflect.StructField
	for _, i := range f.Index {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		field = t.Field(i)
		t = field.Type
	}
	return field.Tag.Get("jsonschema_description")
}

// protocolWords returns the values of a key that is a protocol, and may stand alone; nil for other
// keys.
func protocolWords(f decode.Field) []string {
	switch Key(f.Key) {
	case KeyTCP:
		return []string{anyWord}
	case KeyUDP:
		return f.Words
	case KeyICMP:
		return ICMPKinds()
	}
	return nil
}

func must(f decode.Field, _ bool) decode.Field { return f }

func scalar(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// oneOrAll returns the only item of a list, or the list.
func oneOrAll(list *yaml.Node) *yaml.Node {
	if len(list.Content) == 1 {
		return list.Content[0]
	}
	return list
}

// inlined returns a mapping or a list on one line, without places of another text.
func inlined(n *yaml.Node) *yaml.Node {
	n.Line, n.Column = 0, 0
	if n.Kind != yaml.ScalarNode {
		n.Style = yaml.FlowStyle
	}
	for _, c := range n.Content {
		inlined(c)
	}
	return n
}
