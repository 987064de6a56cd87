package language

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"halfopen/internal/code"
	"halfopen/internal/decode"
	"halfopen/internal/expr"
	"halfopen/internal/say"
)

// maxDuration bounds every duration, so that sums of them do not overflow.
const maxDuration = expr.MaxDuration

// parseDuration parses a duration with a unit. It must be 0s or more, and at most maxDuration.
func parseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	d, err := expr.ParseDuration(text)
	switch {
	case err == nil && d < 0:
		return 0, code.Errorf(code.InvalidDuration,
			"invalid duration %q: want 0s or more", say.Clip(text))
	case err == nil && d > maxDuration:
		return 0, code.Errorf(code.InvalidDuration,
			"invalid duration %q: want at most a year, 8760h", say.Clip(text))
	case err == nil && (d != 0 || strings.ContainsAny(text, "nuµmsh")):
		return d, nil
	case err == nil:
		return 0, nil // a bare 0
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, code.Errorf(code.MissingUnit,
			"%q has no unit: write %ss or %sms", say.Clip(text), say.Clip(text), say.Clip(text))
	}
	return 0, code.Errorf(code.InvalidDuration,
		"invalid duration %q: want a number with a unit (ns, us, ms, s, m, h), such as 200ms",
		say.Clip(text))
}

// Set parses a duration with a unit, 0s or more.
func (d *Duration) Set(text string) error {
	v, err := parseDuration(text)
	*d = Duration(v)
	return err
}

// String returns the duration with its units.
func (d Duration) String() string { return time.Duration(d).String() }

// Set parses a percentage, 0% to 100%.
func (p *Percent) Set(text string) error {
	number, ok := strings.CutSuffix(strings.TrimSpace(text), "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	switch {
	case err != nil || math.IsNaN(f):
		return code.Errorf(code.InvalidPercentage,
			"invalid percentage %q: want one such as 5%% or 0.5%%", say.Clip(text))
	case !ok && f > 0 && f <= 1:
		return code.Errorf(code.MissingUnit, "%q has no unit: write %g%% for %s of 1, or %s%%",
			say.Clip(text), f*100, say.Clip(text), say.Clip(text))
	case !ok:
		return code.Errorf(code.MissingUnit,
			"%q has no unit: write %s%%", say.Clip(text), say.Clip(text))
	case f < 0 || f > 100:
		return code.Errorf(code.InvalidPercentage,
			"invalid percentage %q: want 0%% to 100%%", say.Clip(text))
	}
	*p = Percent(f / 100)
	return nil
}

// String returns the probability in percent.
func (p Percent) String() string { return strconv.FormatFloat(float64(p)*100, 'g', 6, 64) + "%" }

// splitUnit splits a text into number and unit.
func splitUnit(text string) (number, unit string) {
	text = strings.TrimSpace(text)
	i := strings.IndexFunc(text, func(r rune) bool {
		return !strings.ContainsRune("0123456789.+-", r)
	})
	if i < 0 {
		return text, ""
	}
	return text[:i], strings.TrimSpace(text[i:])
}

// maxSize bounds sizes: of data that is sent or received, and of queues.
const maxSize = 1 << 30

// Set parses a number of bytes, with or without a unit, at most 1GB.
func (s *Size) Set(text string) error {
	number, unit := splitUnit(text)
	factor, ok := map[string]int64{"": 1, "B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}[unit]
	if !ok || number == "" {
		return code.Errorf(code.InvalidSize,
			"invalid size %q: want a number of bytes, such as 512, 64kB or 1MB", say.Clip(text))
	}
	n, err := strconv.ParseInt(number, 10, 64)
	switch {
	case err != nil && errors.Is(err, strconv.ErrSyntax):
		return code.Errorf(code.InvalidSize,
			"invalid size %q: want a whole number of bytes, such as 512, 64kB or 1MB",
			say.Clip(text))
	case err == nil && n < 0:
		return code.Errorf(code.InvalidSize, "invalid size %q: want 0 or more", say.Clip(text))
	case err != nil || n > maxSize/factor:
		return code.Errorf(code.InvalidSize, "invalid size %q: want at most 1GB", say.Clip(text))
	}
	*s = Size(n * factor)
	return nil
}

// String returns the size in the largest unit that divides it.
func (s Size) String() string {
	switch {
	case s != 0 && s%(1<<30) == 0:
		return fmt.Sprintf("%dGB", s>>30)
	case s != 0 && s%(1<<20) == 0:
		return fmt.Sprintf("%dMB", s>>20)
	case s != 0 && s%(1<<10) == 0:
		return fmt.Sprintf("%dkB", s>>10)
	}
	return strconv.FormatInt(int64(s), 10)
}

// Set parses a bit rate with its unit, 8bit to 1000gbit.
func (r *BitRate) Set(text string) error {
	number, unit := splitUnit(text)
	factor, ok := map[string]float64{"bit": 1, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9}[unit]
	f, err := strconv.ParseFloat(number, 64)
	switch {
	case err == nil && unit == "":
		return code.Errorf(code.MissingUnit,
			"%q has no unit: write %skbit or %smbit",
			say.Clip(text), say.Clip(text), say.Clip(text))
	case err != nil || !ok:
		return code.Errorf(code.InvalidRate,
			"invalid bit rate %q: want one such as 500kbit or 1mbit", say.Clip(text))
	case !(f*factor >= 8 && f*factor <= 1e12):
		return code.Errorf(code.InvalidRate,
			"invalid bit rate %q: want 8bit to 1000gbit", say.Clip(text))
	}
	*r = BitRate(math.Round(f * factor))
	return nil
}

// String returns the bit rate in the largest unit that divides it.
func (r BitRate) String() string {
	switch {
	case r != 0 && r%1e9 == 0:
		return fmt.Sprintf("%dgbit", r/1e9)
	case r != 0 && r%1e6 == 0:
		return fmt.Sprintf("%dmbit", r/1e6)
	case r != 0 && r%1e3 == 0:
		return fmt.Sprintf("%dkbit", r/1e3)
	}
	return fmt.Sprintf("%dbit", r)
}

// comparator cuts a leading >=, >, <= or < off a text.
func comparator(text string) (op, rest string) {
	for _, op := range []string{">=", "<=", ">", "<"} {
		if rest, ok := strings.CutPrefix(text, op); ok {
			return op, strings.TrimSpace(rest)
		}
	}
	return "", text
}

// isRange reports whether a text is a range of integers: with a comparator before the number, or
// two numbers with dots between them.
func isRange(text string) bool {
	op, rest := comparator(strings.TrimSpace(text))
	if op == "" {
		low, high, dots := strings.Cut(rest, "..")
		if !dots {
			return false
		}
		_, errLow := strconv.ParseInt(strings.TrimSpace(low), 10, 64)
		_, errHigh := strconv.ParseInt(strings.TrimSpace(high), 10, 64)
		return errLow == nil && errHigh == nil
	}
	_, err := strconv.ParseInt(rest, 10, 64)
	return err == nil
}

// bounds returns the inclusive range of a comparator and a number.
func bounds(op string, n int64) (low, high int64) {
	switch op {
	case ">=":
		return n, math.MaxInt64
	case ">":
		return n + 1, math.MaxInt64
	case "<=":
		return math.MinInt64, n
	case "<":
		return math.MinInt64, n - 1
	}
	return n, n
}

// Set parses a range of integers.
func (c *Count) Set(text string) error {
	op, rest := comparator(strings.TrimSpace(text))
	wrong := code.Errorf(code.InvalidCount,
		"invalid count %q: want 3, \">= 3\", \"> 3\", \"<= 3\", \"< 3\" or 2..5",
		say.Clip(text))
	number := func(s string) (int64, error) {
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		if err != nil || n == math.MinInt64 || n == math.MaxInt64 {
			return 0, wrong
		}
		return n, nil
	}
	c.Source = strings.TrimSpace(text)
	if low, high, ok := strings.Cut(rest, ".."); ok && op == "" {
		var err, err2 error
		c.Min, err = number(low)
		c.Max, err2 = number(high)
		if err != nil || err2 != nil {
			return wrong
		}
		if c.Min > c.Max {
			return code.Errorf(code.InvalidRange,
				"invalid range %q: %d is more than %d; want the smaller one first",
				say.Clip(text), c.Min, c.Max)
		}
		if c.Min == c.Max {
			c.Source = strconv.FormatInt(c.Min, 10) // an expression may yield 6..6
		}
		return nil
	}
	n, err := number(rest)
	if err != nil {
		return err
	}
	c.Min, c.Max = bounds(op, n)
	return nil
}

// String returns the range as it is written in YAML.
func (c Count) String() string {
	switch {
	case c.Source != "":
		return c.Source
	case c.Min == c.Max:
		return strconv.FormatInt(c.Min, 10)
	case c.Max == math.MaxInt64:
		return fmt.Sprintf(">= %d", c.Min)
	case c.Min == math.MinInt64:
		return fmt.Sprintf("<= %d", c.Max)
	}
	return fmt.Sprintf("%d..%d", c.Min, c.Max)
}

// MarshalJSON writes the range as the text it was written as.
func (c Count) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *Count) UnmarshalJSON(data []byte) error { return unmarshalText(data, c) }

// unmarshalText parses the text in a JSON string.
func unmarshalText(data []byte, v decode.Setter) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	return v.Set(text)
}

// Set parses a range of durations.
func (s *Span) Set(text string) error {
	source := strings.TrimSpace(text)
	normal := strings.ReplaceAll(source, "+-", "±")
	op, rest := comparator(normal)
	if op != "" {
		d, err := parseDuration(rest)
		if err != nil {
			return err
		}
		low, high := bounds(op, int64(d))
		*s = Span{Source: source, Min: time.Duration(low), Max: time.Duration(high), Want: d}
		return nil
	}
	if low, high, ok := strings.Cut(rest, ".."); ok {
		from, err := parseDuration(low)
		if err != nil {
			return err
		}
		to, err := parseDuration(high)
		if err != nil {
			return err
		}
		if from > to {
			return code.Errorf(code.InvalidRange,
				"invalid range %q: %v is more than %v; want the smaller one first",
				say.Clip(text), from, to)
		}
		*s = Span{Source: source, Min: from, Max: to, Want: from}
		return nil
	}
	rest, about := strings.CutPrefix(rest, "~")
	middle, tolerance, ok := strings.Cut(rest, "±")
	want, err := parseDuration(middle)
	if err != nil {
		return err
	}
	if !ok {
		if about {
			return code.Errorf(code.MissingUnit,
				"%q has no tolerance: write \"~%v ±10%%\", or %v for a kernel timer",
				say.Clip(text), want, want)
		}
		*s = TimerSpan(want)
		s.Source = source
		return nil
	}
	off, err := parseTolerance(tolerance, want)
	if err != nil {
		return err
	}
	*s = Span{Source: source, Min: want - off, Max: want + off, Want: want}
	return nil
}

// parseTolerance parses the text after ±: a percentage of want, or a duration.
func parseTolerance(text string, want time.Duration) (time.Duration, error) {
	if strings.HasSuffix(strings.TrimSpace(text), "%") {
		var p Percent
		if err := p.Set(text); err != nil {
			return 0, err
		}
		return time.Duration(math.Round(float64(want) * float64(p))), nil
	}
	return parseDuration(text)
}

// String returns the range as it is written in YAML.
func (s Span) String() string {
	switch {
	case s.Source != "":
		return s.Source
	case s.Timer:
		return s.Want.String()
	case s.Max == math.MaxInt64:
		return fmt.Sprintf(">= %v", s.Min)
	case s.Min == math.MinInt64:
		return fmt.Sprintf("<= %v", s.Max)
	}
	return fmt.Sprintf("%v..%v", s.Min, s.Max)
}

// MarshalJSON writes the range as the text it was written as.
func (s Span) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Span) UnmarshalJSON(data []byte) error { return unmarshalText(data, s) }
