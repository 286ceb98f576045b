package house

import (
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestPublicAPI checks that no exported signature of a public library names a
// type of an internal package: another module could not write it down.
func TestPublicAPI(t *testing.T) {
	var patterns []string
	for _, room := range public {
		if _, err := os.Stat("../../" + room); err == nil {
			patterns = append(patterns, "./"+room+"/...")
		}
	}
	exports := map[string]string{}
	for _, line := range goList(t, nil, append([]string{"-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}, patterns...)...) {
		name, file, _ := strings.Cut(line, " ")
		exports[name] = file
	}
	imp := importer.ForCompiler(token.NewFileSet(), "gc", func(name string) (io.ReadCloser, error) {
		if exports[name] == "" {
			return nil, errors.New("no export data for " + name)
		}
		return os.Open(exports[name])
	})
	seen := 0
	for _, name := range slices.Sorted(maps.Keys(exports)) {
		ours, is := strings.CutPrefix(name, module+"/")
		if !is || strings.HasPrefix(ours, "internal/") {
			continue
		}
		pkg, err := imp.Import(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		seen++
		for _, leak := range leaks(pkg) {
			t.Error(leak)
		}
	}
	if seen < 5 {
		t.Fatalf("only %d public packages seen", seen)
	}
}

// leaks names the exported identifiers of a package whose types mention a type
// of an internal package of ours.
func leaks(pkg *types.Package) []string {
	var out []string
	for _, name := range pkg.Scope().Names() {
		obj := pkg.Scope().Lookup(name)
		if !obj.Exported() {
			continue
		}
		w := walker{pkg: pkg, seen: map[types.Type]bool{}}
		if tn, ok := obj.(*types.TypeName); ok {
			w.declared(tn)
		} else {
			w.walk(obj.Type())
		}
		for _, found := range w.found {
			out = append(out, fmt.Sprintf("%s.%s names %s", pkg.Path(), name, found))
		}
	}
	return out
}

// walker collects the internal types that can be reached from outside.
type walker struct {
	pkg   *types.Package
	seen  map[types.Type]bool
	found []string
}

// declared walks the definition and the methods of a type of the package.
func (w *walker) declared(tn *types.TypeName) {
	if alias, ok := tn.Type().(*types.Alias); ok {
		w.walk(alias.Rhs())
		return
	}
	w.seen[tn.Type()] = true
	if named, ok := tn.Type().(*types.Named); ok {
		for i := range named.TypeParams().Len() {
			w.walk(named.TypeParams().At(i).Constraint())
		}
	}
	w.walk(tn.Type().Underlying())
	methods := types.NewMethodSet(types.NewPointer(tn.Type()))
	for i := range methods.Len() {
		if m := methods.At(i); m.Obj().Exported() {
			w.walk(m.Type())
		}
	}
}

func (w *walker) walk(t types.Type) {
	if w.seen[t] {
		return
	}
	w.seen[t] = true
	switch t := t.(type) {
	case *types.Named:
		w.named(t.Obj(), t.TypeArgs())
	case *types.Alias:
		w.named(t.Obj(), t.TypeArgs())
	case *types.Struct:
		for i := range t.NumFields() {
			if f := t.Field(i); f.Exported() {
				w.walk(f.Type())
			}
		}
	case *types.Interface:
		for i := range t.NumMethods() {
			if m := t.Method(i); m.Exported() {
				w.walk(m.Type())
			}
		}
		for i := range t.NumEmbeddeds() {
			w.walk(t.EmbeddedType(i))
		}
	case *types.Union:
		for i := range t.Len() {
			w.walk(t.Term(i).Type())
		}
	case *types.Signature:
		for i := range t.TypeParams().Len() {
			w.walk(t.TypeParams().At(i).Constraint())
		}
		w.walk(t.Params())
		w.walk(t.Results())
	case *types.Tuple:
		for i := range t.Len() {
			w.walk(t.At(i).Type())
		}
	case *types.Map:
		w.walk(t.Key())
		w.walk(t.Elem())
	case interface{ Elem() types.Type }: // pointer, slice, array, channel
		w.walk(t.Elem())
	}
}

func (w *walker) named(tn *types.TypeName, args *types.TypeList) {
	for i := range args.Len() {
		w.walk(args.At(i))
	}
	switch {
	case tn.Pkg() == nil:
	case strings.HasPrefix(tn.Pkg().Path(), module+"/internal/"):
		w.found = append(w.found, tn.Pkg().Path()+"."+tn.Name())
	case tn.Pkg() == w.pkg && !tn.Exported():
		w.declared(tn) // its exported parts can be used from outside, too
	}
}

// TestLeaksNotices type-checks a package that leaks in every way there is.
func TestLeaksNotices(t *testing.T) {
	fset := token.NewFileSet()
	check := func(path, src string, imports map[string]*types.Package) *types.Package {
		f, err := parser.ParseFile(fset, path+".go", src, 0)
		if err != nil {
			t.Fatal(err)
		}
		conf := types.Config{Importer: importerFunc(func(p string) (*types.Package, error) { return imports[p], nil })}
		pkg, err := conf.Check(path, fset, []*ast.File{f}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return pkg
	}
	inner := check(module+"/internal/xmltree", "package xmltree\ntype Node struct{}\ntype Kind int\nfunc (Node) M() Kind { return 0 }", nil)
	pkg := check(module+"/formats/x", `package x
import "`+module+`/internal/xmltree"
type private struct{ n xmltree.Node }
func (private) Hidden() []xmltree.Node { return nil }
func (private) hidden() xmltree.Node { return xmltree.Node{} }

type Fine struct{ n xmltree.Node }
func FineFunc(Fine) error { var _ xmltree.Node; return nil }
func fine(xmltree.Node) {}

type Field struct{ N *xmltree.Node }
type Embeds struct{ xmltree.Node }
type Method struct{}
func (*Method) Get(int) map[string]xmltree.Node { return nil }
type Alias = xmltree.Node
type Contract interface{ F(func(xmltree.Node)) }
type Generic[T xmltree.Node] struct{ V T }
func Func(...xmltree.Node) {}
func Returns() private { return private{} }
func Generics[T interface{ ~[]xmltree.Node }](T) {}
var Var chan xmltree.Node
const Const xmltree.Kind = 1
`, map[string]*types.Package{module + "/internal/xmltree": inner})
	var got []string
	for _, leak := range leaks(pkg) {
		name := strings.TrimPrefix(leak, pkg.Path()+".")
		name, _, _ = strings.Cut(name, " ")
		if !slices.Contains(got, name) {
			got = append(got, name)
		}
	}
	want := []string{"Alias", "Const", "Contract", "Embeds", "Field", "Func", "Generic", "Generics", "Method", "Returns", "Var"}
	if !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

type importerFunc func(string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }
