package schemas

import (
	"strings"
	"testing"
)

// embedded returns a catalogue of the embedded lock; its files need not be there.
func embedded(t *testing.T) *Catalogue {
	t.Helper()
	c, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func names(choices []Choice) string {
	var out []string
	for _, c := range choices {
		s := string(c.Pack.Stage[0]) + ":" + c.Pack.Name()
		if c.Outside {
			s += "?"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestStages(t *testing.T) {
	c := embedded(t)
	peppol := "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
	billing := "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
	tests := []struct {
		root, customization, profile, at string
		want                             string
		known                            bool
	}{
		{"Invoice", peppol, billing, "2026-11-21", "x:ubl-2.1@2.1 s:cen-ubl@1.3.16 s:peppol-ubl@2026.5", true},
		{"CreditNote", peppol, billing, "2026-11-21", "x:ubl-2.1@2.1 s:cen-ubl@1.3.16 s:peppol-ubl@2026.5", true},
		{"Invoice", peppol, billing, "2026-08-17", "x:ubl-2.1@2.1 s:cen-ubl@1.3.16 s:peppol-ubl@2026.5", true},
		{"Invoice", peppol, billing, "2026-08-16", "x:ubl-2.1@2.1 s:cen-ubl@1.3.16 s:peppol-ubl@2025.11", true},
		{"Invoice", peppol, billing, "2026-02-22", "x:ubl-2.1@2.1 s:cen-ubl@1.3.15 s:peppol-ubl@2025.5", true},
		{"Invoice", peppol, billing, "2024-01-01", "x:ubl-2.1@2.1 s:cen-ubl@1.3.15 s:peppol-ubl@2025.5?", true},
		{"Invoice", "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:selfbilling:3.0", "", "2026-11-21", "x:ubl-2.1@2.1 s:cen-ubl@1.3.16 s:peppol-ubl-sb@2026.5", true},
		{"Invoice", "urn:cen.eu:en16931:2017", "", "2026-11-21", "x:ubl-2.1@2.1 s:cen-ubl@1.3.16", true},
		{"Invoice", xrechnung, billing, "2026-11-21", "x:ubl-2.1@2.1 s:cen-ubl@1.3.16 s:xrechnung-ubl@3.0.2", true},
		{"Invoice", "", "", "2026-11-21", "x:ubl-2.1@2.1 s:cen-ubl@1.3.16", false},
		{"Invoice", "urn:cen.eu:en16931:2017#compliant#urn:other", "", "2026-11-21", "x:ubl-2.1@2.1 s:cen-ubl@1.3.16", false},
		{"Invoice", peppol + "#conformant#urn:other", "", "2026-11-21", "x:ubl-2.1@2.1 s:cen-ubl@1.3.16 s:peppol-ubl@2026.5", false},
		{"Invoice", "urn:mistyped", billing, "2026-11-21", "x:ubl-2.1@2.1 s:cen-ubl@1.3.16 s:peppol-ubl@2026.5", false},
		{"Order", "urn:fdc:peppol.eu:poacc:trns:order:3", "urn:fdc:peppol.eu:poacc:bis:order_only:3", "2026-11-21", "x:ubl-2.1@2.1 s:peppol-t01@2026.5", true},
		{"Order", "", "", "2026-11-21", "x:ubl-2.1@2.1", false},
		{"DespatchAdvice", "urn:fdc:peppol.eu:poacc:trns:despatch_advice:3", "", "2026-11-21", "x:ubl-2.1@2.1 s:peppol-t16@2026.5", true},
		{"ApplicationResponse", "urn:fdc:peppol.eu:poacc:trns:invoice_response:3", "", "2026-11-21", "x:ubl-2.1@2.1 s:peppol-t111@2026.5", true},
		{"ApplicationResponse", "urn:fdc:peppol.eu:poacc:trns:mlr:3", "", "2026-11-21", "x:ubl-2.1@2.1 s:peppol-t71@2026.5", true},
		{"ApplicationResponse", "urn:peppol:edec:mls:1.0", "urn:peppol:edec:mls", "2026-11-21", "x:ubl-2.1@2.1 s:mls@1.0.0", true},
		{"ApplicationResponse", "urn:peppol:edec:mls:1.0a", "urn:peppol:edec:mls", "2026-11-21", "x:ubl-2.1@2.1 s:mls@1.0.0", false},
		{"OrderResponse", "urn:fdc:peppol.eu:poacc:trns:order_response_advanced:3", "", "2026-11-21", "x:ubl-2.3@2.3 s:peppol-t116@2026.5", true},
		{"CrossIndustryInvoice", "urn:cen.eu:en16931:2017", "", "2026-11-21", "x:cii-d16b@D16B s:cen-cii@1.3.16", true},
		{"CrossIndustryInvoice", "urn:unknown", "", "2026-11-21", "x:cii-d16b@D16B s:cen-cii@1.3.16", false},
		{"CrossIndustryInvoice", "urn:factur-x.eu:1p0:minimum", "", "2026-11-21", "x:facturx-minimum@1.09.2 s:facturx-minimum@1.09.2", true},
		{"CrossIndustryInvoice", "urn:zugferd.de:2p0:minimum", "", "2026-11-21", "x:facturx-minimum@1.09.2 s:facturx-minimum@1.09.2", true},
		{"CrossIndustryInvoice", "urn:factur-x.eu:1p0:minimum", "", "2026-08-31", "x:facturx-minimum@1.09.2? s:facturx-minimum@1.09.2?", true},
	}
	for _, tt := range tests {
		space := "urn:oasis:names:specification:ubl:schema:xsd:" + tt.root + "-2"
		if tt.root == "CrossIndustryInvoice" {
			space = ciiNamespace
		}
		sel, err := c.Stages(DocumentKind{space, tt.root, tt.customization, tt.profile}, day(t, tt.at))
		if err != nil {
			t.Errorf("%s %s: %v", tt.root, tt.customization, err)
			continue
		}
		if got := names(sel.Choices); got != tt.want || sel.KnownCustomization != tt.known {
			t.Errorf("%s %q on %s: %s (known %v), want %s", tt.root, tt.customization, tt.at, got, sel.KnownCustomization, tt.want)
		}
		for _, ch := range sel.Choices {
			if _, ok := ch.Pack.File(ch.Entry); !ok || ch.Why == "" || sel.Why == "" {
				t.Errorf("%s: entry %q, why %q", ch.Pack.Name(), ch.Entry, ch.Why)
			}
		}
	}
}

// TestNoRulesAreLeftOut checks that where every kind of a document element has
// rules, an unknown or unreadable customisation does not escape them.
func TestNoRulesAreLeftOut(t *testing.T) {
	c := embedded(t)
	for _, doc := range []DocumentKind{
		{Namespace: "urn:fdc:peppol:end-user-statistics-report:1.1", Root: "EndUserStatisticsReport"},
		{Namespace: "urn:fdc:peppol:transaction-statistics-report:1.0", Root: "TransactionStatisticsReport"},
		{Namespace: cdarSpace, Root: "CrossDomainAcknowledgementAndResponse"},
		{Namespace: ciiNamespace, Root: "CrossIndustryInvoice"},
		{Namespace: ublNamespace + "Invoice-2", Root: "Invoice"},
		{Namespace: ublNamespace + "CreditNote-2", Root: "CreditNote"},
	} {
		doc.Customization = "urn:unknown"
		sel, err := c.Stages(doc, day(t, "2026-11-21"))
		if err != nil || len(sel.Choices) < 2 || sel.KnownCustomization {
			t.Errorf("%s: %s, known %v, %v", doc.Root, names(sel.Choices), sel.KnownCustomization, err)
		}
	}
}

func TestStagesBySchemaOnly(t *testing.T) {
	c := embedded(t)
	sel, err := c.Stages(DocumentKind{Namespace: "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08", Root: "Document"}, day(t, "2026-11-21"))
	if err != nil || names(sel.Choices) != "x:camt@001.08" || !strings.HasSuffix(sel.Choices[0].Entry, "camt.053.001.08.xsd") {
		t.Errorf("%s, %v", names(sel.Choices), err)
	}
	for _, doc := range []DocumentKind{{}, {Root: "Invoice"}, {Namespace: "urn:x", Root: "Invoice"}, {Namespace: ciiNamespace, Root: "Other"}} {
		_, err := c.Stages(doc, day(t, "2026-11-21"))
		wantCode(t, err, CodeUnknown)
	}
}

// TestKindsAreWhole checks the table against the lock: every kind has its
// schema entry and its rule sets, and no customisation stands twice.
func TestKindsAreWhole(t *testing.T) {
	c := embedded(t)
	seen := map[string]bool{}
	for _, k := range kinds() {
		key := k.namespace + " " + k.root + " " + k.customization
		if seen[key] {
			t.Errorf("%s stands twice", key)
		}
		seen[key] = true
		sel, err := c.Stages(DocumentKind{k.namespace, k.root, k.customization, k.profile}, day(t, "2026-11-21"))
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		if len(sel.Choices) != 1+len(k.rules) || sel.Choices[0].Pack.Stage != StageXSD || sel.KnownCustomization != (k.customization != "") {
			t.Errorf("%s: chose %s", k.name, names(sel.Choices))
		}
	}
}
