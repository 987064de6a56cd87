package assertions

import (
	"fmt"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// LateText says which parts of a run's lab were late, and by how much at most: "fault far up to 91ms
// late (asked 50ms); actors started up to 40ms late". What was less than least is left out; the text
// is "" if all was.
func LateText(s *language.Scenario, l *trace.Lateness, least time.Duration) string {
	var texts []string
	worst := map[trace.Part]time.Duration{}
	for i := range l.Parts {
		p := &l.Parts[i]
		if p.Worst < least {
			continue
		}
		switch p.Part {
		case trace.LateStop:
			upTo := ""
			if p.N > 1 {
				upTo = "up to "
			}
			texts = append(texts, fmt.Sprintf("actor %s was stopped for %s%s", p.Name, upTo,
				say.Duration(p.Worst)))
		case trace.LateFault:
			texts = append(texts, fmt.Sprintf("fault %s up to %s late%s", p.Name,
				say.Duration(p.Worst), asked(s, p.Name)))
		case trace.LateSwitch:
			texts = append(texts, fmt.Sprintf("fault %s switched up to %s late", p.Name,
				say.Duration(p.Worst)))
		default:
			worst[p.Part] = max(worst[p.Part], p.Worst)
		}
	}
	for _, w := range lateWords {
		if by := worst[w.part]; by > 0 {
			texts = append(texts, fmt.Sprintf(w.format, say.Duration(by)))
		}
	}
	return strings.Join(texts, "; ")
}

// lateWords says the parts that are not told apart by name.
var lateWords = []struct {
	part   trace.Part
	format string
}{
	{trace.LateQueue, "packets waited up to %s for a queue"},
	{trace.LateStart, "actors started up to %s late"},
	{trace.LateStep, "actors waited up to %s for a processor"},
	{trace.LateProgram, "programs waited up to %s for a processor"},
	{trace.LateReport, "the lab learned of steps up to %s late"},
	{trace.LateLook, "sockets were looked at up to %s late"},
	{trace.LateEnd, "the run was ended up to %s late"},
}

// asked says which delay a fault asks for: " (asked 50ms)".
func asked(s *language.Scenario, name string) string {
	if s == nil {
		return ""
	}
	if f := s.Fault(name); f != nil && f.Do.Delay != nil {
		return fmt.Sprintf(" (asked %s)", say.Duration(time.Duration(f.Do.Delay.By)))
	}
	return ""
}
