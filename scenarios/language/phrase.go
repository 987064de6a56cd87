package language

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/decode"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// Phrase is a fault on one line, in the words of the language: "drop SYN to server first 2". After the
// action comes its short form, if it has one, and then, in any order, other keys of the action, the kind
// of packets, and the keys of a selector and of a fault, each with its value. The words are the keys of
// [Action], [Selector] and [Fault]: there is no list of them here.
type Phrase struct {
	// Action is the kind of action.
	Action string
	do     *yaml.Node
	match  *yaml.Node
	rest   *yaml.Node
}

// ParsePhrase reads a phrase. The error says what is wrong with it in one line. Whether hosts and
// events exist is not checked here.
func ParsePhrase(text string) (*Phrase, error) {
	if len(text) > maxPhrase {
		return nil, code.Errorf(code.LimitExceeded,
			"the phrase is too long: want at most %d bytes", maxPhrase)
	}
	words, err := phraseWords(text)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, code.Errorf(code.MissingValue,
			"the phrase is empty: want an action, such as %q", "drop SYN to server first 2")
	}
	r := &phraseReader{words: words[1:], p: &Phrase{
		Action: strings.ToLower(words[0].text),
		do:     &yaml.Node{Kind: yaml.MappingNode}, match: &yaml.Node{Kind: yaml.MappingNode},
		rest: &yaml.Node{Kind: yaml.MappingNode},
	}}
	kind, known := fieldOf(actionType, r.p.Action)
	if !known || words[0].quoted {
		return nil, code.Errorf(code.UnknownWord, "unknown action %q%s", say.Clip(words[0].text),
			spell.Suggest(words[0].text, ActionKinds()))
	}
	r.action = actionType.FieldByIndex(kind.Index).Type.Elem()
	if err := r.read(); err != nil {
		return nil, err
	}
	if _, err := r.p.fault(); err != nil {
		return nil, err
	}
	return r.p, nil
}

// maxPhrase bounds the length of a phrase in bytes.
const maxPhrase = 4096

var (
	actionType   = reflect.TypeFor[Action]()
	selectorType = reflect.TypeFor[Selector]()
	faultType    = reflect.TypeFor[Fault]()
)

// Words of a phrase that are not the keys of something.
const (
	withOption, withoutOption = "with", "without"
	again, firstTime          = "retransmitted", "first-time"
	or                        = "or"
)

// anyWord is every kind of packet of a protocol.
const anyWord = string(AnySegment)

// anyPackets are words that say nothing, and make a phrase read well: "delay 200ms any packet".
var anyPackets = []string{anyWord, "all", "packet", "packets"}

// phraseReader reads the words after the action.
type phraseReader struct {
	p *Phrase
	// action is the type of the action.
	action reflect.Type
	words  []phraseWord
}

type phraseWord struct {
	text   string
	quoted bool
}

// phraseWords splits a phrase at blanks. A word may be in double quotes, as in Go.
func phraseWords(text string) ([]phraseWord, error) {
	var words []phraseWord
	for text = strings.TrimLeftFunc(text, unicode.IsSpace); text != ""; text = strings.TrimLeftFunc(text, unicode.IsSpace) {
		if text[0] != '"' {
			end := strings.IndexFunc(text, unicode.IsSpace)
			if end < 0 {
				end = len(text)
			}
			words, text = append(words, phraseWord{text: text[:end]}), text[end:]
			continue
		}
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			return nil, code.Errorf(code.InvalidText,
				"%s begins with a quote and has no end: want \"text\"", say.Clip(text))
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, code.Errorf(code.InvalidText, "invalid text %s: %v", say.Clip(quoted), err)
		}
		words, text = append(words, phraseWord{word, true}), text[len(quoted):]
	}
	return words, nil
}

// read reads all words after the action.
func (r *phraseReader) read() error {
	if err := r.operand(); err != nil {
		return err
	}
	for len(r.words) > 0 {
		if err := r.next(); err != nil {
			return err
		}
	}
	if f, ok := decode.Short(r.action); ok && f.Required && decode.Child(r.p.do, f.Key) == nil {
		return code.Errorf(code.MissingValue,
			"%s: want a value after it: %s", r.p.Action, describe(r.action, f))
	}
	return nil
}

// operand reads the short form of the action.
func (r *phraseReader) operand() error {
	f, ok := decode.Short(r.action)
	if !ok || len(r.words) == 0 {
		return nil
	}
	word := r.words[0]
	if _, isKey := fieldOf(r.action, word.text); !word.quoted && (isKey || isPhraseWord(word.text)) {
		return nil
	}
	value, err := r.valueOf(r.action, f, true)
	switch {
	case err == nil:
		return put(r.p.do, f.Key, value)
	case f.Required:
		return code.Errorf(code.InvalidValue,
			"%s: %v", r.p.Action, err) // the phrase does not have the key
	}
	return nil
}

// next reads the next word, with its value.
func (r *phraseReader) next() error {
	word := r.words[0]
	key := strings.ToLower(word.text)
	own, isOwn := fieldOf(r.action, key)
	at, keyType, f, isKey := r.key(key)
	switch {
	case word.quoted:
		return code.Errorf(code.InvalidText,
			"unexpected text %q: want a word before it, such as contains", say.Clip(word.text))
	case isOwn && decode.Child(r.p.do, own.Key) == nil && (!isKey || r.fits(r.action, own)):
		r.words = r.words[1:]
		return r.set(r.p.do, r.action, own)
	case kindsOf(word.text) != nil && !(isKey && r.fits(keyType, f)): // ack 1 is no kind
		return r.kinds()
	case key == again, key == firstTime:
		r.words = r.words[1:]
		return put(r.p.match, string(KeyRetransmission), scalar(strconv.FormatBool(key == again)))
	case key == withOption, key == withoutOption:
		return r.option(key == withOption)
	case isKey:
		r.words = r.words[1:]
		if words := protocolWords(f); words != nil && (len(r.words) == 0 || !slices.Contains(words, r.words[0].text)) {
			if f.Key == string(KeyTCP) && len(r.words) > 0 && kindsOf(r.words[0].text) != nil {
				return r.kinds()
			}
			return put(at, f.Key, scalar(anyWord))
		}
		return r.set(at, keyType, f)
	case slices.Contains(anyPackets, key):
		r.words = r.words[1:]
		return nil
	}
	return code.Errorf(code.UnknownWord,
		"unknown word %q%s", say.Clip(word.text), spell.DidYouMean(word.text, r.known()))
}

// key returns the key of the selector or the fault that a word is: where it belongs, and the struct
// that has it. from is an event if its value has a dot or is a mapping, as no host is.
func (r *phraseReader) key(word string) (*yaml.Node, reflect.Type, decode.Field, bool) {
	inSelector, isSelector := selectorField(word)
	inFault, isFault := faultField(word)
	event := len(r.words) > 1 && strings.ContainsAny(r.words[1].text, ".{")
	switch {
	case isFault && (!isSelector || event):
		return r.p.rest, faultType, inFault, true
	case isSelector:
		return r.p.match, selectorType, inSelector, true
	}
	return nil, nil, decode.Field{}, false
}

// kinds reads kinds of segments: "SYN", "SYN or RST".
func (r *phraseReader) kinds() error {
	list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for more := true; more; {
		word := r.words[0].text
		for _, kind := range kindsOf(word) {
			list.Content = append(list.Content, scalar(kind))
		}
		r.words = r.words[1:]
		more = strings.HasSuffix(word, ",")
		if len(r.words) > 1 && strings.EqualFold(r.words[0].text, or) {
			r.words, more = r.words[1:], true
		}
		more = more && len(r.words) > 0 && kindsOf(r.words[0].text) != nil
	}
	return put(r.p.match, string(KeyTCP), oneOrAll(list))
}

// kindsOf returns the kinds of segments that a word names, which may have commas, as the language
// writes them; nil for other words.
func kindsOf(word string) []string {
	var kinds []string
	for name := range strings.SplitSeq(strings.TrimSuffix(word, ","), ",") {
		i := slices.IndexFunc(segmentKinds, func(k string) bool { return strings.EqualFold(k, name) })
		if i < 0 {
			return nil
		}
		kinds = append(kinds, segmentKinds[i])
	}
	return kinds
}

// segmentKinds are the kinds of segments that are words of a phrase.
var segmentKinds = texts(SYN, SYNACK, ACK, DATA, FIN, RST)

// option reads a TCP option that must be there, or must not.
func (r *phraseReader) option(present bool) error {
	word := r.words[0].text
	if r.words = r.words[1:]; len(r.words) == 0 {
		return code.Errorf(code.MissingValue,
			"%s: want a TCP option after it: %s", word, strings.Join(TCPOptionNames(), ", "))
	}
	name := r.words[0].text
	r.words = r.words[1:]
	if !slices.Contains(TCPOptionNames(), name) {
		return code.Errorf(code.UnknownWord,
			"unknown TCP option %q%s", say.Clip(name), spell.Suggest(name, TCPOptionNames()))
	}
	options := decode.Child(r.p.match, string(KeyOptions))
	if options == nil {
		options = &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
		_ = put(r.p.match, string(KeyOptions), options) // it is not there yet
	}
	return put(options, name, scalar(strconv.FormatBool(present)))
}

// set reads the value of a key and puts it where it belongs.
func (r *phraseReader) set(at *yaml.Node, t reflect.Type, f decode.Field) error {
	value, err := r.valueOf(t, f, true)
	if err != nil {
		return code.Errorf(code.InvalidValue, "%s: %v", f.Key, err)
	}
	key := f.Key
	if t == selectorType && len(f.Index) == 2 {
		payload := decode.Child(at, "payload")
		if payload == nil {
			payload = &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
			_ = put(at, "payload", payload) // it is not there yet
		}
		at = payload
	}
	return put(at, key, value)
}

// put puts a key into a mapping.
func put(at *yaml.Node, key string, value *yaml.Node) error {
	if decode.Child(at, key) != nil {
		return code.Errorf(code.DuplicateKey, "%s is said twice; keep one", key)
	}
	at.Content = append(at.Content, scalar(key), value)
	return nil
}

// fits reports whether the word after the next is a value of a field.
func (r *phraseReader) fits(t reflect.Type, f decode.Field) bool {
	after := *r
	after.words = r.words[1:]
	_, err := after.valueOf(t, f, false)
	return err == nil
}

// valueOf reads the next word as the value of a field. With take, it is consumed if the field takes it.
func (r *phraseReader) valueOf(t reflect.Type, f decode.Field, take bool) (*yaml.Node, error) {
	typ := fieldType(t, f)
	if len(r.words) == 0 {
		return nil, code.Errorf(code.MissingValue, "want a value after it: %s", describe(t, f))
	}
	word, n := r.words[0], 1
	if op, number := comparator(word.text); op != "" && number == "" && !word.quoted && len(r.words) > 1 {
		word, n = phraseWord{text: op + " " + r.words[1].text}, 2
	}
	value := scalar(word.text)
	if typ.Kind() == reflect.String {
		value.Tag = "!!str"
	}
	if typ == reflect.TypeFor[EventRef]() && strings.HasPrefix(word.text, "{") {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(word.text), &doc); err != nil || len(doc.Content) != 1 {
			return nil, code.Errorf(code.InvalidEvent,
				"invalid event %s: want a mapping such as {log: server.start, contains: up}",
				say.Clip(word.text))
		}
		value = inlined(doc.Content[0])
	}
	if typ.Kind() == reflect.Slice {
		list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for item := range strings.SplitSeq(strings.Trim(word.text, "[]"), ",") {
			list.Content = append(list.Content, scalar(strings.TrimSpace(item)))
		}
		value = oneOrAll(list)
	}
	if err := fieldTakes(typ, f, value); err != nil {
		return nil, err
	}
	if take {
		r.words = r.words[n:]
	}
	return value, nil
}

// fieldTakes returns why a field refuses a value; nil if it takes it.
func fieldTakes(t reflect.Type, f decode.Field, value *yaml.Node) error {
	d := newDecoder("")
	d.Value(value, reflect.New(t).Elem())
	if mistakes := d.Mistakes(); len(mistakes) > 0 {
		return mistakes[0].Problem
	}
	if t == reflect.TypeFor[EventRef]() && value.Kind == yaml.ScalarNode {
		_, err := EventRef(value.Value).Parse()
		return err
	}
	if f.Words != nil && !slices.Contains(f.Words, value.Value) {
		return code.Errorf(code.UnknownWord, "invalid value %q: want %s%s", say.Clip(value.Value),
			strings.Join(f.Words, ", "), spell.DidYouMean(value.Value, f.Words))
	}
	return nil
}

// fault returns the fault, without a name.
func (p *Phrase) fault() (*Fault, error) {
	d, f := newDecoder(""), &Fault{}
	d.Plain(p.YAML(), reflect.ValueOf(f).Elem())
	if mistakes := d.Mistakes(); len(mistakes) > 0 {
		return nil, code.Errorf(code.InvalidValue, "%s: %s", p.Action, mistakes[0].Problem)
	}
	return f, nil
}

// YAML returns the fault as it stands in a scenario after its name.
func (p *Phrase) YAML() *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	if len(p.match.Content) > 0 {
		p.match.Style = yaml.FlowStyle
		n.Content = append(n.Content, scalar("match"), p.match)
	}
	n.Content = append(n.Content, p.rest.Content...)
	do := scalar(p.Action)
	if t := fieldType(actionType, must(fieldOf(actionType, p.Action))); len(p.do.Content) > 0 {
		value := p.do
		if short, ok := decode.Short(t); ok && len(value.Content) == 2 && value.Content[0].Value == short.Key {
			value = value.Content[1]
		}
		do = &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: []*yaml.Node{do, value}}
	}
	n.Content = append(n.Content, scalar("do"), do)
	return n
}

// Name returns a name for the fault: its action, and the kind of packets if it is one kind.
func (p *Phrase) Name() string {
	if tcp := decode.Child(p.match, string(KeyTCP)); tcp != nil && tcp.Kind == yaml.ScalarNode &&
		tcp.Value != string(AnySegment) {
		return p.Action + "-" + strings.ToLower(tcp.Value)
	}
	return p.Action
}

// String returns the phrase in its canonical form.
func (p *Phrase) String() string {
	f, err := p.fault()
	if err != nil {
		return p.Action
	}
	return f.Phrase()
}

// known returns the words that may stand next.
func (r *phraseReader) known() []string {
	words := slices.Concat(segmentKinds, keyWords(), decode.Keys(r.action), []string{again, firstTime})
	if short, ok := decode.Short(r.action); ok && decode.Child(r.p.do, short.Key) == nil {
		words = slices.Concat(words, short.Words, decode.WordsOf(fieldType(r.action, short)))
	}
	return words
}
