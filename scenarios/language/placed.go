package language

import (
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"halfopen/internal/code"
)

// PlacedFile is a file or folder that the programs of the lab find at Path, and nobody else.
type PlacedFile struct {
	// Path is absolute.
	Path string  `json:"path" yaml:",name"`
	Text *string `yaml:",short" json:"text,omitempty" jsonschema_description:"The text of the file."`
	From string  `json:"from,omitempty" jsonschema_description:"A file or folder below the directory of the scenario's file, in place of a text; read-only."`
	Mode string  `json:"mode,omitempty" jsonschema_description:"Permissions of a text, in octal digits. Default: 0644."`
	Only Names   `json:"only,omitempty" jsonschema_description:"Only in these cases or IP versions: names of cases, v4, v6."`
	Pos  Pos     `json:"pos,omitzero" yaml:"-"`
}

// PlacedMode is the permissions of a placed text that says nothing else.
const PlacedMode = 0o644

// Permissions returns the permissions of the text, as in chmod(2).
func (p *PlacedFile) Permissions() uint32 {
	mode, err := strconv.ParseUint(p.Mode, 8, 12)
	if err != nil {
		return PlacedMode
	}
	return uint32(mode)
}

// unplaceable are the folders that the kernel, and not files, fill.
var unplaceable = []string{"/dev", "/proc", "/sys"}

func (v *validation) placed() {
	paths := map[string]bool{}
	for i := range v.s.Files {
		p := &v.s.Files[i]
		switch {
		case !path.IsAbs(p.Path) || path.Clean(p.Path) != p.Path || p.Path == "/":
			v.errorf(code.InvalidPath, nil, p.Pos,
				"invalid path %q: want an absolute one without .., such as /etc/app.conf", p.Path)
		case underOneOf(p.Path, unplaceable):
			v.errorf(code.InvalidPath, nil, p.Pos,
				"files: %s: nothing can be placed in %s, which the kernel fills",
				p.Path, strings.Join(unplaceable, ", "))
		case paths[p.Path]:
			v.errorf(code.DuplicateEntry, nil, p.Pos, "files: %s is there twice", p.Path)
		}
		paths[p.Path] = true
		switch {
		case p.Text != nil && p.From != "":
			v.errorf(code.ConflictingKeys, &p.From, p.Pos,
				"files: %s: want text or from, not both", p.Path)
		case p.Text == nil && p.From == "":
			v.errorf(code.MissingKey, &p.From, p.Pos,
				"files: %s: want a text, or from: FILE", p.Path)
		}
		if p.From != "" && (strings.HasPrefix(p.From, "/") || !filepath.IsLocal(filepath.FromSlash(p.From))) {
			v.errorf(code.InvalidPath, &p.From, p.Pos,
				"files: %s: from: %s is outside the directory of the scenario: want a path below it", p.Path, p.From)
		}
		if p.Mode != "" {
			if _, err := strconv.ParseUint(p.Mode, 8, 12); err != nil {
				v.errorf(code.InvalidValue, &p.Mode, p.Pos,
					"invalid mode %q: want octal digits, such as 0755", p.Mode)
			}
			if p.From != "" {
				v.errorf(code.ConflictingKeys, &p.Mode, p.Pos,
					"files: %s: mode is for a text: what comes from a file keeps its own", p.Path)
			}
		}
	}
	for i := range v.s.Files {
		p := &v.s.Files[i]
		for dir := path.Dir(p.Path); dir != "/" && dir != "."; dir = path.Dir(dir) {
			if paths[dir] {
				v.errorf(code.InvalidPath, nil, p.Pos,
					"files: %s is below %s, which is placed, too", p.Path, dir)
			}
		}
	}
	if len(v.s.Files) > 0 && !v.s.RunsPrograms() {
		v.errorf(code.NoEffect, &v.s.Files, v.s.Pos,
			"files: the scenario runs no program that could see them")
	}
}

// underOneOf reports whether a clean path is one of the folders, or below one.
func underOneOf(file string, folders []string) bool {
	for _, f := range folders {
		if file == f || strings.HasPrefix(file, f+"/") {
			return true
		}
	}
	return false
}
