package report

import (
	"os"
	"slices"
	"strings"
	"testing"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/internal/code"
)

// codeRow returns a row of a table of docs/codes.md.
func codeRow(name string, cells ...string) string {
	row := "| `" + name + "` |"
	for _, c := range cells {
		row += " " + strings.ReplaceAll(c, "|", `\|`) + " |"
	}
	return row
}

func TestThePageListsTheCodesAsTheyAre(t *testing.T) {
	page, err := os.ReadFile("../../docs/codes.md")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	for _, r := range code.Findings {
		want["Findings"] = append(want["Findings"],
			codeRow(string(r.Code), string(r.Severity), r.Means, "`"+r.Example+"`"))
	}
	for _, r := range assertions.Codes {
		want["Verdicts"] = append(want["Verdicts"], codeRow(string(r.Code), r.Means))
	}
	for _, r := range result.Codes {
		want["Runs without a verdict"] = append(want["Runs without a verdict"], codeRow(string(r.Code), r.Means))
	}
	got := map[string][]string{}
	section := ""
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSuffix(line, "\n")
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = title
		}
		if strings.HasPrefix(line, "| `") && want[section] != nil {
			got[section] = append(got[section], line)
		}
	}
	for title, rows := range want {
		for _, row := range rows {
			if !slices.Contains(got[title], row) {
				t.Errorf("%s: the page lacks the row\n%s", title, row)
			}
		}
		for _, row := range got[title] {
			if !slices.Contains(rows, row) {
				t.Errorf("%s: the page has a row that is not in the code:\n%s", title, row)
			}
		}
		if !t.Failed() && !slices.Equal(got[title], rows) {
			t.Errorf("%s: the rows are not in the order of the code", title)
		}
	}
}
