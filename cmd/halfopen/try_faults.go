package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"halfopen/scenarios/language"
)

// faultFlags are faults given by flags: the phrase of each. The flag of an action begins a fault, those
// after it belong to it. There is one for each word of a phrase.
type faultFlags struct{ phrases []string }

// faultFlag is a flag of a fault. Its text is appended to a phrase, after its word.
type faultFlag struct {
	f     *faultFlags
	word  string
	begin bool
}

func (*faultFlag) String() string { return "" }

// Type names the value in help texts.
func (w *faultFlag) Type() string {
	if w.begin {
		return "words"
	}
	return "value"
}

// Set begins a fault, or adds a word to the last one.
func (w *faultFlag) Set(text string) error {
	if w.begin {
		w.f.phrases = append(w.f.phrases, strings.TrimSpace(w.word+" "+text))
		return nil
	}
	last := len(w.f.phrases) - 1
	if last < 0 {
		return &valueError{"want it after the fault that it belongs to, such as --drop SYN"}
	}
	w.f.phrases[last] += " " + w.word + " " + phraseWord(text)
	return nil
}

// phraseWord returns a text as one word of a phrase, whatever is in it.
func phraseWord(text string) string {
	if text == "" || strings.ContainsAny(text, " \t\n\"") {
		return strconv.Quote(text)
	}
	return text
}

// flags defines the flags.
func (f *faultFlags) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(&faultFlag{f, "", true}, "fault", "a fault in `words`, such as 'drop SYN to server first 2'")
	for _, a := range language.PhraseActions() {
		flags.Var(&faultFlag{f, a.Word, true}, a.Word, a.About)
		complete(cmd, a.Word, []string{"any", "SYN", "SYN-ACK", "ACK", "DATA", "FIN", "RST"})
	}
	ofSelector, ofFault := language.PhraseKeys()
	for _, w := range slices.Concat(ofSelector, ofFault) {
		if known := flags.Lookup(w.Word); known != nil { // from: a host or an event
			known.Usage = strings.TrimSuffix(known.Usage, ".") + "; or: " + w.About
			continue
		}
		flags.Var(&faultFlag{f, w.Word, false}, w.Word, w.About)
		switch w.Word {
		case "udp":
			flags.Lookup(w.Word).NoOptDefVal = "any"
		case "from", "to":
			complete(cmd, w.Word, []string{clientName, serverName})
		case "tcp":
			complete(cmd, w.Word, language.SegmentKind("").Words())
		case "icmp":
			complete(cmd, w.Word, language.ICMPKinds())
		case "with", "without":
			complete(cmd, w.Word, language.TCPOptionNames())
		}
	}
}

// complete offers words for a flag.
func complete(cmd *cobra.Command, flag string, words []string) {
	offer := cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc(flag, offer); err != nil {
		panic(err) // the flag was defined a line above
	}
}

// none reports whether no fault was asked for.
func (f *faultFlags) none() bool { return len(f.phrases) == 0 }

// namedPhrase is a fault with its name.
type namedPhrase struct {
	name   string
	phrase *language.Phrase
}

// parse reads the phrases, and gives each fault a name.
func (f *faultFlags) parse() ([]namedPhrase, error) {
	var all []namedPhrase
	used := map[string]int{}
	for _, text := range f.phrases {
		p, err := language.ParsePhrase(text)
		if err != nil {
			return nil, fmt.Errorf("the fault %q: %w", text, err)
		}
		name := p.Name()
		if used[name]++; used[name] > 1 {
			name += "-" + strconv.Itoa(used[name])
		}
		all = append(all, namedPhrase{name, p})
	}
	return all, nil
}
