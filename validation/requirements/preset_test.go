package requirements_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/ubl"
	"facteur.dev/facteur/validation"
	"facteur.dev/facteur/validation/requirements"
)

func TestPresetsCompile(t *testing.T) {
	if got := requirements.Presets(); !slices.Equal(got, []string{"france-public", "peppol", "retail", "xrechnung"}) {
		t.Errorf("presets %q", got)
	}
	for _, name := range requirements.Presets() {
		text, ok := requirements.Preset(name)
		if !ok {
			t.Fatalf("there is no %s", name)
		}
		if _, err := requirements.Compile(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, ok := requirements.Preset("../presets/peppol"); ok {
		t.Errorf("a preset outside: %s", text)
	}
}

// TestPresetsOnSamples holds the presets against the sample invoices in UBL.
func TestPresetsOnSamples(t *testing.T) {
	const folder = "../../formats/ubl/testdata"
	want := map[string]map[string][]string{
		"peppol": {"*": nil, "credit_note": nil},
		"retail": {
			"goods": {"profile.buyer_identifier.required"},
			"services": {
				"profile.order_reference.required", "profile.seller_identifier.required", "profile.buyer_identifier.required",
				"profile.order_line_reference.required", "profile.order_line_reference.required", "profile.order_line_reference.required",
			},
		},
		"xrechnung": {
			"goods":       {"profile.buyer_reference.leitweg_id", "profile.customization"},
			"services":    {"profile.buyer_reference.leitweg_id", "profile.customization", "profile.XR-CONTACT"},
			"credit_note": {"profile.buyer_reference.required", "profile.customization"},
		},
		"france-public": {"goods": {"profile.FR-SIRET"}, "services": {"profile.FR-SIRET"}},
	}
	files, err := filepath.Glob(folder + "/*.xml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d samples in %s: %v", len(files), folder, err)
	}
	for preset, samples := range want {
		text, _ := requirements.Preset(preset)
		c, err := requirements.Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			rules, known := samples[strings.TrimSuffix(filepath.Base(file), ".xml")]
			if _, all := samples["*"]; !known && !all {
				continue
			}
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			v := c.Check(t.Context(), subjectOf(t, src))
			var got []string
			for _, f := range v.Findings {
				got = append(got, f.Rule)
			}
			if !v.Ran || !slices.Equal(got, rules) {
				t.Errorf("%s on %s: ran %v %s, got %q, want %q", preset, file, v.Ran, v.Reason, got, rules)
			}
		}
	}
}

// subjectOf reads a UBL document as the command line does.
func subjectOf(t *testing.T, src []byte) requirements.Subject {
	t.Helper()
	doc, err := validation.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	inv, _, err := ubl.Read(src)
	if err != nil {
		t.Fatal(err)
	}
	return requirements.Subject{
		Invoice: inv, Document: doc.Identity, DocumentSize: int64(len(src)), At: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
	}
}

// TestPresetsCanBeMet makes each preset content with a sample.
func TestPresetsCanBeMet(t *testing.T) {
	for preset, change := range map[string]func(*requirements.Subject){
		"peppol": func(*requirements.Subject) {},
		"retail": func(s *requirements.Subject) {
			s.Invoice.Buyer.Identifier = invoice.Identifier{Value: "9520000000219", Scheme: "0088"}
		},
		"xrechnung": func(s *requirements.Subject) {
			s.Invoice.BuyerReference = "04011000-1234512345-06"
			s.Document.Customization = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
		},
		"france-public": func(s *requirements.Subject) {
			s.Invoice.Buyer.Identifier = invoice.Identifier{Value: "73282932000074", Scheme: "0009"}
		},
	} {
		src, err := os.ReadFile("../../formats/ubl/testdata/goods.xml")
		if err != nil {
			t.Fatal(err)
		}
		s := subjectOf(t, src)
		change(&s)
		text, _ := requirements.Preset(preset)
		c, err := requirements.Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if v := c.Check(t.Context(), s); !v.OK() {
			t.Errorf("%s: %+v", preset, v)
		}
	}
}

func TestProfilesInTestdata(t *testing.T) {
	files, err := filepath.Glob("../../testdata/profiles/*.*")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d profiles: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := requirements.Compile(text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestDocumentation compiles the profiles that docs/billing-profiles.md shows,
// and finds the fields, checks and presets that it must explain.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/billing-profiles.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for rest := page; ; {
		_, after, ok := bytes.Cut(rest, []byte("```yaml\n"))
		if !ok {
			break
		}
		profile, behind, ok := bytes.Cut(after, []byte("```\n"))
		if !ok {
			t.Fatal("an example has no end")
		}
		shown++
		if _, err := requirements.Compile(profile); err != nil {
			t.Errorf("%v\n%s", err, profile)
		}
		rest = behind
	}
	if shown < 4 {
		t.Errorf("only %d examples", shown)
	}
	for _, name := range slices.Concat(requirements.FieldNames(), requirements.Presets(), []string{"leitweg_id", "gln", "gtin", "siren", "siret"}) {
		if !bytes.Contains(page, []byte("`"+name+"`")) {
			t.Errorf("the page does not explain %s", name)
		}
	}
}

// TestStage runs a profile behind other checks.
func TestStage(t *testing.T) {
	src, err := os.ReadFile("../../formats/ubl/testdata/goods.xml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := validation.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	c, err := requirements.Compile([]byte(`{"name":"test","currencies":["CHF"]}`))
	if err != nil {
		t.Fatal(err)
	}
	result := validation.NewPipeline([]validation.Stage{c.Named("hospital", "3").Stage(readUBL)}).Check(t.Context(), doc)
	if result.Valid || len(result.Verdicts) != 1 {
		t.Fatalf("%+v", result)
	}
	v := result.Verdicts[0]
	if v.Stage != validation.StageRequirements || v.RuleSet != "profile:hospital" || v.Version != "3" || !v.Ran || len(v.Findings) != 1 {
		t.Errorf("%+v", v)
	}

	other, err := validation.Parse([]byte(`<x/>`))
	if err != nil {
		t.Fatal(err)
	}
	result = validation.NewPipeline([]validation.Stage{c.Stage(readUBL)}).Check(t.Context(), other)
	if v := result.Verdicts[0]; result.Valid || v.Ran || !strings.HasPrefix(v.Reason, validation.ReasonDynamic) {
		t.Errorf("what is no invoice: %+v", v)
	}
}
