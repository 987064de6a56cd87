package layout

import (
	"fmt"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// A program that imports a public package cannot name a type of an internal package: it can neither
// declare a variable for the result nor find the documentation. It can use an alias in a public
// package.
func TestNoPublicSignatureNamesAnInternalType(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	module := modulePath(t, root)
	loaded, err := packages.Load(&packages.Config{
		Dir:  root,
		Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedExportFile,
	}, "./...")
	if err != nil {
		t.Fatal(err)
	}
	public := 0
	for _, pkg := range loaded {
		path := strings.TrimPrefix(pkg.PkgPath, module+"/")
		if isInternal(path) || pkg.Name == "main" {
			continue
		}
		if len(pkg.Errors) > 0 || pkg.Types == nil {
			t.Fatalf("%s: %v", path, pkg.Errors)
		}
		public++
		for _, name := range pkg.Types.Scope().Names() {
			if object := pkg.Types.Scope().Lookup(name); object.Exported() {
				for _, use := range internalUses(object, module) {
					t.Errorf("%s.%s: %s", path, name, use)
				}
			}
		}
	}
	if public < 8 {
		t.Errorf("%d public packages were read: the test proves little", public)
	}
}

func isInternal(path string) bool { return slices.Contains(strings.Split(path, "/"), "internal") }

// internalUses returns the places where the exported part of an object names a type of an internal
// package.
func internalUses(object types.Object, module string) []string {
	var uses []string
	seen := map[types.Type]bool{}
	var visit func(where string, t types.Type)
	tuple := func(where string, list *types.Tuple) {
		for v := range list.Variables() {
			visit(where, v.Type())
		}
	}
	visit = func(where string, t types.Type) {
		if seen[t] {
			return
		}
		seen[t] = true
		switch t := t.(type) {
		case *types.Alias:
			if p := t.Obj().Pkg(); p != nil && strings.HasPrefix(p.Path(), module+"/") && !isInternal(p.Path()) {
				return // a public name, judged where it is declared
			}
			visit(where, t.Rhs())
		case *types.Named:
			if p := t.Obj().Pkg(); p != nil && strings.HasPrefix(p.Path(), module+"/") && isInternal(p.Path()) {
				uses = append(uses, fmt.Sprintf("%s names %s.%s", where, p.Path(), t.Obj().Name()))
			}
			for a := range t.TypeArgs().Types() {
				visit(where, a)
			}
		case *types.Pointer:
			visit(where, t.Elem())
		case *types.Slice:
			visit(where, t.Elem())
		case *types.Array:
			visit(where, t.Elem())
		case *types.Chan:
			visit(where, t.Elem())
		case *types.Map:
			visit(where, t.Key())
			visit(where, t.Elem())
		case *types.Signature:
			tuple(where, t.Params())
			tuple(where, t.Results())
		case *types.Struct:
			for f := range t.Fields() {
				if f.Exported() {
					visit(where+"."+f.Name(), f.Type())
				}
			}
		case *types.Interface:
			for m := range t.ExplicitMethods() {
				if m.Exported() {
					visit(where+"."+m.Name(), m.Type())
				}
			}
		}
	}
	if name, ok := object.(*types.TypeName); ok && name.IsAlias() {
		return nil // the public name itself
	}
	named, ok := object.Type().(*types.Named)
	if _, isType := object.(*types.TypeName); !ok || !isType {
		visit(object.Name(), object.Type())
		return uses
	}
	visit(object.Name(), named.Underlying())
	for m := range named.Methods() {
		if m.Exported() {
			visit(object.Name()+"."+m.Name(), m.Type())
		}
	}
	return uses
}
