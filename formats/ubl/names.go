package ubl

// Namespaces of UBL 2.1.
const (
	nsInvoice    = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
	nsCreditNote = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
	nsCAC        = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
	nsCBC        = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
)

// Identifiers of Peppol BIS Billing 3.0.
const (
	// PeppolBillingCustomization is the specification identifier (BT-24).
	PeppolBillingCustomization = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
	// PeppolBillingProfile is the business process type (BT-23).
	PeppolBillingProfile = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
)

const (
	// schemeSEPA marks the party identifier that is the creditor's (BT-90).
	schemeSEPA = "SEPA"
	// typeInvoicedObject is the type of a document reference that identifies
	// the invoiced object (BT-18, BT-128).
	typeInvoicedObject = "130"
	// typeProject is the type of a document reference that names the project
	// (BT-11) in a credit note, which has no element of its own for it.
	typeProject = "50"
	// notAvailable stands where the schema demands a value and there is none.
	notAvailable = "NA"
	// vatScheme is the tax scheme of VAT, otherScheme that of the seller's local
	// tax registration (BT-32), for which the binding wants any other name.
	vatScheme   = "VAT"
	otherScheme = "TAX"
)
