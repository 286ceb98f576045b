package schematron_test

import (
	"path/filepath"
	"testing"

	"facteur.dev/facteur/schemas"
	"facteur.dev/facteur/validation/schematron"
)

// BenchmarkCheck judges the Peppol base example by the rules of CEN and Peppol.
func BenchmarkCheck(b *testing.B) {
	catalogue := packs(b)
	text := read(b, filepath.Join(need(b, filepath.Join(repository(b), "..", "shared", "corpora"), "nothing was measured"), "peppol-bis3/examples/base-example.xml"))
	for _, id := range []string{"cen-ubl", "peppol-ubl"} {
		pack, err := catalogue.FindStage(schemas.StageSchematron, id, "")
		if err != nil {
			b.Fatal(err)
		}
		stage := checkStage(schematron.New(schematron.XSLT{}), catalogue, pack)
		doc := document(b, string(text))
		if v := stage.Check(b.Context(), doc); !v.OK() {
			b.Fatal(v)
		}
		b.Run(id, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if v := stage.Check(b.Context(), doc); !v.OK() {
					b.Fatal(v)
				}
			}
		})
	}
}

// BenchmarkCompile reads and compiles the rules of CEN.
func BenchmarkCompile(b *testing.B) {
	catalogue := packs(b)
	pack, err := catalogue.FindStage(schemas.StageSchematron, "cen-ubl", "")
	if err != nil {
		b.Fatal(err)
	}
	text, err := catalogue.Read(pack, pack.Entries()[0].Path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (schematron.XSLT{}).Compile(b.Context(), schematron.Rules{Text: text}); err != nil {
			b.Fatal(err)
		}
	}
}
