package xsd_test

import (
	"path/filepath"
	"testing"

	"facteur.dev/facteur/schemas"
	"facteur.dev/facteur/validation/xsd"
)

// BenchmarkCheck streams the Peppol base example through the UBL 2.1 schemas.
func BenchmarkCheck(b *testing.B) {
	catalogue := packs(b)
	pack, err := catalogue.FindStage(schemas.StageXSD, "ubl-2.1", "")
	if err != nil {
		b.Fatal(err)
	}
	corpora := need(b, filepath.Join(repository(b), "..", "shared", "corpora"), "nothing was measured")
	doc := document(b, string(read(b, filepath.Join(corpora, "peppol-bis3/examples/base-example.xml"))))
	stage := packStage(newValidator(b), catalogue, pack)
	if v := stage.Check(b.Context(), doc); !v.OK() {
		b.Fatal(v)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(doc.Bytes)))
	for b.Loop() {
		if v := stage.Check(b.Context(), doc); !v.OK() {
			b.Fatal(v)
		}
	}
}

// BenchmarkLoad parses the UBL 2.1 schemas.
func BenchmarkLoad(b *testing.B) {
	catalogue := packs(b)
	pack, err := catalogue.FindStage(schemas.StageXSD, "ubl-2.1", "")
	if err != nil {
		b.Fatal(err)
	}
	doc := document(b, "<unknown/>")
	for b.Loop() {
		v := xsd.New()
		if verdict := packStage(v, catalogue, pack).Check(b.Context(), doc); !verdict.Ran {
			b.Fatal(verdict.Reason)
		}
		if err := v.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
