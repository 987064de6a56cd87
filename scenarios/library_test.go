package scenarios

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

func TestLibraryIsValidAndNamedAsItsFiles(t *testing.T) {
	files, err := Library()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, f := range files {
		t.Run(f.Path, func(t *testing.T) {
			if f.Name != strings.TrimSuffix(path.Base(f.Path), ".yaml") || path.Dir(f.Path) != f.Folder {
				t.Errorf("the file holds the scenario %q of the folder %q", f.Name, f.Folder)
			}
			if other, twice := seen[f.Name]; twice {
				t.Errorf("%s has the same name", other)
			}
			seen[f.Name] = f.Path
			if _, err := f.Expand(nil); err != nil {
				t.Error(err)
			}
			if found, err := Builtin(f.Name); err != nil || found != f {
				t.Errorf("found by its name: %v, %v", found, err)
			}
		})
	}
	if _, err := Builtin("no-such-scenario-anywhere"); err == nil || !strings.Contains(err.Error(), `no scenario "no-such-scenario-anywhere"`) {
		t.Errorf("got %v", err)
	}
}

func TestEveryFolderOfTheLibraryIsEmbedded(t *testing.T) {
	for _, folder := range Folders() {
		onDisk, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(folder, "README.md")); err != nil {
			t.Errorf("without a README.md the folder may be empty, and then it cannot be embedded: %v", err)
		}
		files, err := Library()
		if err != nil {
			t.Fatal(err)
		}
		embedded := 0
		for _, f := range files {
			if f.Folder == folder {
				embedded++
			}
		}
		if embedded != len(onDisk) {
			t.Errorf("%s: %d files, %d of them in the library", folder, len(onDisk), embedded)
		}
	}
}
