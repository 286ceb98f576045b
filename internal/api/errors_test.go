package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rows of a table of the page: code and second column, below a heading.
func documented(t *testing.T, heading string) map[string]string {
	t.Helper()
	b, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, ok := strings.Cut(string(b), "## "+heading+"\n")
	if !ok {
		t.Fatalf("the page has no part %s", heading)
	}
	part, _, _ = strings.Cut(part, "\n## ")
	found := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\|").FindAllStringSubmatch(part, -1) {
		if found[m[1]] != "" {
			t.Errorf("%s is documented twice", m[1])
		}
		found[m[1]] = m[2]
	}
	return found
}

// constants gives the strings of the package's constants that begin so, and of
// the codes of errors that its variables hold.
func constants(t *testing.T, folder, prefix string) (codes []string) {
	t.Helper()
	paths, err := filepath.Glob(folder + "/*.go")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v", folder, err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) == 0 || !strings.HasPrefix(spec.Names[0].Name, prefix) {
				return true
			}
			ast.Inspect(spec.Values[0], func(n ast.Node) bool {
				if pair, ok := n.(*ast.KeyValueExpr); ok && pair.Key.(*ast.Ident).Name != "Code" {
					return false
				}
				if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
					code, err := strconv.Unquote(text.Value)
					if err != nil {
						t.Fatal(err)
					}
					codes = append(codes, code)
				}
				return true
			})
			return true
		})
	}
	return codes
}

// Every code that a problem can have is documented with its status, and no other.
func TestDocumentedCodes(t *testing.T) {
	want := map[string]string{internal: "500"}
	sentinels := constants(t, "../gateway", "Err")
	if len(sentinels) < 9 {
		t.Fatalf("sentinels %v", sentinels)
	}
	for _, code := range sentinels {
		want[code] = "–" // until a status says otherwise
	}
	for code, status := range statuses {
		want[code] = strconv.Itoa(status)
	}
	if diff := cmp.Diff(want, documented(t, "Codes of problems")); diff != "" {
		t.Errorf("docs/errors.md and the program differ: %s", diff)
	}
}

// Every code of a place is documented, and no other. Those that are no constants
// are named here.
func TestDocumentedPlaces(t *testing.T) {
	codes := []string{
		"missing", "not_correctable", "peer", "totals.BR-…", // of use cases
		"webhook.url", "webhook.type", "query", "header",
	}
	for _, folder := range []string{
		"../../formats/invoice", "../../formats/order", "../../formats/sheet", "../../formats/ubl", "../xmltree", "../billing", "../../validation/requirements",
	} {
		codes = append(codes, constants(t, folder, "Code")...)
	}
	slices.Sort(codes)
	got := slices.Sorted(maps.Keys(documented(t, "Codes of places")))
	if diff := cmp.Diff(slices.Compact(codes), got); diff != "" || len(got) < 80 {
		t.Errorf("docs/errors.md and the program differ: %s", diff)
	}
}
