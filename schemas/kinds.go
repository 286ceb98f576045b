package schemas

import "slices"

// kind is a kind of document and what checks it. An empty customization marks
// the base of a document element, taken when nothing nearer is known.
type kind struct {
	name                   string
	namespace, root        string
	customization, profile string
	xsd                    string
	rules                  []string
}

const (
	ublNamespace = "urn:oasis:names:specification:ubl:schema:xsd:"
	ciiNamespace = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
	cdarSpace    = "urn:un:unece:uncefact:data:standard:CrossDomainAcknowledgementAndResponse:100"

	en16931     = "urn:cen.eu:en16931:2017"
	xrechnung   = en16931 + "#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
	peppol      = "urn:fdc:peppol.eu:2017:poacc:"
	transaction = "urn:fdc:peppol.eu:poacc:trns:"
	process     = "urn:fdc:peppol.eu:poacc:bis:"
)

// kinds is the table of all kinds of documents.
func kinds() []kind {
	return slices.Concat(ublInvoices("Invoice"), ublInvoices("CreditNote"), peppolMessages(), ciiInvoices(), otherKinds())
}

func ublInvoices(root string) []kind {
	of := func(name, customization, profile string, rules ...string) kind {
		return kind{name + " (UBL " + root + ")", ublNamespace + root + "-2", root, customization, profile, "ubl-2.1", rules}
	}
	return []kind{
		of("an EN 16931 invoice", "", "", "cen-ubl"),
		of("an EN 16931 invoice", en16931, "", "cen-ubl"),
		of("a Peppol BIS Billing 3.0 invoice", en16931+"#compliant#"+peppol+"billing:3.0", peppol+"billing:01:1.0", "cen-ubl", "peppol-ubl"),
		of("a Peppol BIS Self-Billing 3.0 invoice", en16931+"#compliant#"+peppol+"selfbilling:3.0", peppol+"selfbilling:01:1.0", "cen-ubl", "peppol-ubl-sb"),
		of("an XRechnung 3.0", xrechnung, "", "cen-ubl", "xrechnung-ubl"),
		of("an XRechnung 3.0 Extension", xrechnung+"#conformant#urn:xeinkauf.de:kosit:extension:xrechnung_3.0", "", "cen-ubl", "xrechnung-ubl"),
		of("an XRechnung 3.0 CVD", xrechnung+"#compliant#urn:xeinkauf.de:kosit:xrechnung:cvd_0.9", "", "cen-ubl", "xrechnung-ubl"),
		of("a French extended invoice", en16931+"#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr", "", "fr-extended-ubl"),
	}
}

func peppolMessages() []kind {
	of := func(name, root, transactionID, processID, xsd, rules string) kind {
		return kind{name, ublNamespace + root + "-2", root, transaction + transactionID + ":3", process + processID + ":3", xsd, []string{rules}}
	}
	base := func(root string) kind {
		return kind{name: "a UBL " + root, namespace: ublNamespace + root + "-2", root: root, xsd: "ubl-2.1"}
	}
	return []kind{
		base("Order"), base("OrderResponse"), base("OrderChange"), base("OrderCancellation"),
		base("DespatchAdvice"), base("Catalogue"), base("ApplicationResponse"),
		of("a Peppol order (T01)", "Order", "order", "ordering", "ubl-2.1", "peppol-t01"),
		of("a Peppol despatch advice (T16)", "DespatchAdvice", "despatch_advice", "despatch_advice", "ubl-2.1", "peppol-t16"),
		of("a Peppol catalogue (T19)", "Catalogue", "catalogue", "catalogue_only", "ubl-2.1", "peppol-t19"),
		of("a Peppol catalogue response (T58)", "ApplicationResponse", "catalogue_response", "catalogue_only", "ubl-2.1", "peppol-t58"),
		of("a Peppol message level response (T71)", "ApplicationResponse", "mlr", "mlr", "ubl-2.1", "peppol-t71"),
		of("a Peppol order response (T76)", "OrderResponse", "order_response", "ordering", "ubl-2.1", "peppol-t76"),
		of("a Peppol punch-out (T77)", "Catalogue", "punch_out", "punch_out", "ubl-2.1", "peppol-t77"),
		of("a Peppol order agreement (T110)", "OrderResponse", "order_agreement", "order_agreement", "ubl-2.1", "peppol-t110"),
		of("a Peppol invoice response (T111)", "ApplicationResponse", "invoice_response", "invoice_response", "ubl-2.1", "peppol-t111"),
		of("a Peppol order change (T114)", "OrderChange", "order_change", "advanced_ordering", "ubl-2.3", "peppol-t114"),
		of("a Peppol order cancellation (T115)", "OrderCancellation", "order_cancellation", "advanced_ordering", "ubl-2.3", "peppol-t115"),
		of("a Peppol advanced order response (T116)", "OrderResponse", "order_response_advanced", "advanced_ordering", "ubl-2.3", "peppol-t116"),
		{
			"a Peppol message level status", ublNamespace + "ApplicationResponse-2", "ApplicationResponse",
			"urn:peppol:edec:mls:1.0", "urn:peppol:edec:mls", "ubl-2.1",
			[]string{"mls"},
		},
	}
}

func ciiInvoices() []kind {
	of := func(name, customization, xsd string, rules ...string) kind {
		return kind{name + " (CII)", ciiNamespace, "CrossIndustryInvoice", customization, "", xsd, rules}
	}
	return []kind{
		of("an EN 16931 invoice", "", "cii-d16b", "cen-cii"),
		of("an EN 16931 invoice", en16931, "cii-d16b", "cen-cii"),
		of("an XRechnung 3.0", xrechnung, "cii-d16b", "cen-cii", "xrechnung-cii"),
		of("a Factur-X MINIMUM", "urn:factur-x.eu:1p0:minimum", "facturx-minimum", "facturx-minimum"),
		of("a Factur-X BASIC WL", "urn:factur-x.eu:1p0:basicwl", "facturx-basicwl", "facturx-basicwl"),
		of("a Factur-X BASIC", en16931+"#compliant#urn:factur-x.eu:1p0:basic", "facturx-basic", "cen-cii", "facturx-basic"),
		of("a Factur-X EXTENDED", en16931+"#conformant#urn:factur-x.eu:1p0:extended", "facturx-extended", "facturx-extended"),
		of("a ZUGFeRD MINIMUM", "urn:zugferd.de:2p0:minimum", "facturx-minimum", "facturx-minimum"),
		of("a ZUGFeRD BASIC WL", "urn:zugferd.de:2p0:basicwl", "facturx-basicwl", "facturx-basicwl"),
		of("a ZUGFeRD BASIC", en16931+"#compliant#urn:zugferd.de:2p0:basic", "facturx-basic", "cen-cii", "facturx-basic"),
		of("a ZUGFeRD EXTENDED", en16931+"#conformant#urn:zugferd.de:2p0:extended", "facturx-extended", "facturx-extended"),
		of("a French extended invoice", en16931+"#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr", "cii-d22b", "fr-extended-cii"),
	}
}

func otherKinds() []kind {
	return []kind{
		{"a French lifecycle message", cdarSpace, "CrossDomainAcknowledgementAndResponse", "urn.cpro.gouv.fr:1p0:CDV:invoice", "", "cdar-d22b", []string{"fr-cdar"}},
		{"a French lifecycle message", cdarSpace, "CrossDomainAcknowledgementAndResponse", "urn.cpro.gouv.fr:1p0:CDV:einvoicingF2", "", "cdar-d22b", []string{"fr-cdar"}},
		{
			"a Peppol end user statistics report", "urn:fdc:peppol:end-user-statistics-report:1.1", "EndUserStatisticsReport",
			"urn:fdc:peppol.eu:edec:trns:end-user-statistics-report:1.1", "urn:fdc:peppol.eu:edec:bis:reporting:1.0", "eusr",
			[]string{"eusr"},
		},
		{
			"a Peppol transaction statistics report", "urn:fdc:peppol:transaction-statistics-report:1.0", "TransactionStatisticsReport",
			"urn:fdc:peppol.eu:edec:trns:transaction-statistics-reporting:1.0", "urn:fdc:peppol.eu:edec:bis:reporting:1.0", "tsr",
			[]string{"tsr"},
		},
	}
}
