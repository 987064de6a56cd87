package language

import (
	"path/filepath"
	"strings"

	"halfopen/internal/code"
	"halfopen/internal/say"
)

// Notes returns what may be a mistake in a file that is valid: a name that is not the file's, and
// parameters that nothing uses. The notes of what happens in a run are those of [Scenario.Notes].
func (f *File) Notes() []*Error {
	var notes []*Error
	base := filepath.Base(f.Path)
	ext := filepath.Ext(base)
	name := strings.TrimSuffix(base, ext)
	if n := f.entry("name"); n != nil && name != f.Name && (ext == ".yaml" || ext == ".yml") {
		notes = append(notes, &Error{
			Pos{f.Path, n.Line, n.Column},
			code.Errorf(code.OtherFileName,
				"the scenario is named %s and the file %s; give both the same name",
				say.Clip(f.Name), say.Clip(base)),
		})
	}
	return append(notes, f.unused()...)
}

// Notes returns what may be a mistake in a run that is valid: a client that may connect before its
// server listens, and a reason for drops that may be misspelt.
func (s *Scenario) Notes() []*Error { return append(s.races(), s.unknownReasons()...) }
