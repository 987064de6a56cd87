package pattern

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPatternsMatchAsRegularExpressions(t *testing.T) {
	const expr = `([a-z]+)=([0-9]+)`
	p, re := New(expr), regexp.MustCompile(expr)
	for _, s := range []string{"", "none", "a=1", "x a=1, b=22 y", "=3"} {
		for _, tt := range []struct {
			name      string
			got, want any
		}{
			{"MatchString", p.MatchString(s), re.MatchString(s)},
			{"Match", p.Match([]byte(s)), re.Match([]byte(s))},
			{"FindStringSubmatch", p.FindStringSubmatch(s), re.FindStringSubmatch(s)},
			{"FindStringSubmatchIndex", p.FindStringSubmatchIndex(s), re.FindStringSubmatchIndex(s)},
			{"FindSubmatchIndex", p.FindSubmatchIndex([]byte(s)), re.FindSubmatchIndex([]byte(s))},
			{"FindAllString", p.FindAllString(s, -1), re.FindAllString(s, -1)},
			{"FindAllStringIndex", p.FindAllStringIndex(s, 1), re.FindAllStringIndex(s, 1)},
			{"FindAllStringSubmatch", p.FindAllStringSubmatch(s, -1), re.FindAllStringSubmatch(s, -1)},
			{"ReplaceAllString", p.ReplaceAllString(s, "$2=$1"), re.ReplaceAllString(s, "$2=$1")},
			{
				"ReplaceAllStringFunc", p.ReplaceAllStringFunc(s, strings.ToUpper),
				re.ReplaceAllStringFunc(s, strings.ToUpper),
			},
		} {
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Errorf("%s of %q (-regexp +pattern):\n%s", tt.name, s, diff)
			}
		}
	}
}

func TestAnInvalidPatternPanicsWhenItIsUsed(t *testing.T) {
	p := New(`(`)
	defer func() {
		if recover() == nil {
			t.Error("an invalid pattern matches")
		}
	}()
	p.MatchString("x")
}
