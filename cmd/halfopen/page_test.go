package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTeachWrapsProseAndKeepsCode(t *testing.T) {
	var b strings.Builder
	p := &page{w: &b, width: 32}
	p.teach("A client retries its SYN\nwith a doubling pause, as `tcp_syn_retries` says.\n\n- one item that is longer than a line is\n- two\n\n```\nsysctl -w net.ipv4.tcp_syn_retries=3 # kept\n```\n")
	want := `  A client retries its SYN with
  a doubling pause, as
  ` + "`tcp_syn_retries`" + ` says.

  - one item that is longer than
    a line is
  - two

  ` + "```" + `
  sysctl -w net.ipv4.tcp_syn_retries=3 # kept
  ` + "```" + `
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("page (-want +got):\n%s", d)
	}
	if p.err != nil {
		t.Error(p.err)
	}
}

func TestTeachDrawsWhatMarkdownMarks(t *testing.T) {
	var b strings.Builder
	p := &page{w: &b, width: 30, color: true}
	p.teach("# Why\n\nA *slow* client, and `ss -tno state syn-sent` shows\nit: 2 * 3 is **not** `a*b`.\n\n- one\n\n| n | after |\n|---|---|\n| `1` | 3 s |\n| 10 | 127 s |\n\n    kept   as is\n\n```\nkept\n```\n")
	want := `  <b>Why</>

  A <i>slow</> client, and <c>ss</>
  <c>-tno state syn-sent</> shows
  it: 2 * 3 is <b>not</> <c>a*b</>.

  • one

  <b>n   </><b>after  </>
  ──  ─────
  1   3 s
  10  127 s

  <c>    kept   as is</>

  <c>kept</>
`
	got := strings.NewReplacer(bold, "<b>", italic, "<i>", cyan, "<c>", plain, "</>").Replace(b.String())
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("page (-want +got):\n%s", d)
	}
}

func TestWrapNeverLosesAWord(t *testing.T) {
	var b strings.Builder
	p := &page{w: &b, width: 20}
	text := "short averyveryverylongwordthatfitsnowhere then → ünïcödé words, and the end"
	p.wrap("- ", "  ", text)
	if got := strings.Join(strings.Fields(strings.TrimPrefix(b.String(), "- ")), " "); got != text {
		t.Errorf("got %q, want %q", got, text)
	}
	for line := range strings.Lines(b.String()) {
		line = strings.TrimRight(line, "\n")
		if n := len([]rune(line)); n > 20 && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("a line of %d columns: %q", n, line)
		}
	}
}

func TestPagesEscapeEverythingButTheirStyles(t *testing.T) {
	for name, test := range map[string]struct {
		color bool
		want  string
	}{
		"without colors": {false, "a\\x1b[2J\\nPASS b\\x1b[1m    c\n"},
		"with colors":    {true, "a\\x1b[2J\\nPASS " + cyan + "b\\x1b[1m" + plain + "    c\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			p := &page{w: &b, width: 80, color: test.color}
			p.line("%s%s%s", "a\x1b[2J\nPASS ", p.paint(cyan, "b"+bold), "\tc")
			if got := b.String(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// What is wide on a terminal takes its columns, in paragraphs, in lists and in tables.
func TestPagesMeasureColumns(t *testing.T) {
	var b strings.Builder
	p := &page{w: &b, width: 20, color: true}
	p.wrap("", "", "全角文字 全角文字 全角文字")
	p.item("é", 6, "accent")
	p.item("全角", 6, "wide")
	p.item("\x1b", 6, "escaped")
	p.table([]string{"| 値 | n |", "|---|---|", "| 全角 | 1 |", "| ab | 2 |"})
	want := `全角文字 全角文字
全角文字
  é       accent
  全角    wide
  \x1b    escaped
  <値    ><n  >
  ────  ─
  全角  1
  ab    2
`
	got := strings.NewReplacer(bold, "<", plain, ">").Replace(b.String())
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("page (-want +got):\n%s", d)
	}
}
