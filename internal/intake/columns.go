package intake

import (
	"slices"

	"facteur.dev/facteur/formats/sheet"
)

// RecordColumns are the columns of the table of a kind of records, or nil when
// there is no table of that kind. A key is the place in the record's JSON: names
// joined by dots, "[]" for the first element of a list. The first header is
// English, the second French.
func RecordColumns(kind string) []sheet.Column {
	switch kind {
	case "customer":
		return slices.Concat(customerColumns(), addressColumns())
	case "legal_entity":
		return slices.Concat(entityColumns(), addressColumns())
	case "item":
		return itemColumns()
	}
	return nil
}

// numbers are the places that hold a number in JSON; the rest are strings.
var numbers = map[string]bool{"terms.net_days": true}

func column(key, en, fr string) sheet.Column {
	return sheet.Column{Key: key, Headers: []string{en, fr}, Kind: sheet.Text}
}

func of(kind sheet.Kind, c sheet.Column) sheet.Column {
	c.Kind = kind
	return c
}

func idColumn() sheet.Column {
	c := column("id", "Id", "Identifiant")
	c.Required = true
	return c
}

func customerColumns() []sheet.Column {
	return []sheet.Column{
		idColumn(),
		column("name", "Name", "Nom"),
		column("trading_name", "Trading name", "Nom commercial"),
		column("account_number", "Account number", "Numéro de client"),
		column("vat_identifier", "VAT number", "Numéro de TVA"),
		column("legal_registration.value", "Registration number", "SIREN"),
		column("legal_registration.scheme", "Registration scheme", "Schéma du registre"),
		column("electronic_address.value", "Electronic address", "Adresse électronique"),
		column("electronic_address.scheme", "Electronic address scheme", "Schéma de l'adresse"),
		column("routes[].channel", "Channel", "Canal"),
		column("routes[].address", "Channel address", "Adresse du canal"),
		column("routes[].receiver", "Channel receiver", "Destinataire du canal"),
		column("language", "Language", "Langue"),
		column("buyer_reference", "Buyer reference", "Référence acheteur"),
		column("accounting_reference", "Cost centre", "Centre de coûts"),
		column("vat_treatment", "VAT treatment", "Traitement de TVA"),
		column("billing", "Billing", "Facturation"),
		column("profile", "Billing profile", "Profil de facturation"),
		of(sheet.Number, column("terms.net_days", "Net days", "Délai en jours")),
		column("contact.name", "Contact", "Interlocuteur"),
		column("contact.email", "E-mail", "Courriel"),
		column("contact.telephone", "Telephone", "Téléphone"),
	}
}

func entityColumns() []sheet.Column {
	return []sheet.Column{
		idColumn(),
		column("name", "Name", "Nom"),
		column("trading_name", "Trading name", "Nom commercial"),
		column("vat_identifier", "VAT number", "Numéro de TVA"),
		column("tax_registration", "Tax number", "Numéro fiscal"),
		column("legal_registration.value", "Registration number", "SIREN"),
		column("legal_registration.scheme", "Registration scheme", "Schéma du registre"),
		column("legal_information", "Legal information", "Informations légales"),
		column("electronic_address.value", "Electronic address", "Adresse électronique"),
		column("electronic_address.scheme", "Electronic address scheme", "Schéma de l'adresse"),
		column("accounts[].iban", "IBAN", "Compte (IBAN)"),
		column("accounts[].bic", "BIC", "Banque (BIC)"),
		column("language", "Language", "Langue"),
		column("billing", "Billing", "Facturation"),
		column("invoice_numbers", "Invoice numbers", "Numéros de facture"),
		column("credit_note_numbers", "Credit note numbers", "Numéros d'avoir"),
		of(sheet.Number, column("terms.net_days", "Net days", "Délai en jours")),
	}
}

func itemColumns() []sheet.Column {
	return []sheet.Column{
		idColumn(),
		column("seller_id", "Article number", "Référence article"),
		column("standard_id.value", "GTIN", "Code EAN"),
		column("standard_id.scheme", "GTIN scheme", "Schéma du code EAN"),
		column("name", "Name", "Désignation"),
		column("description", "Description", "Descriptif"),
		of(sheet.Code, column("unit", "Unit", "Unité")),
		of(sheet.Code, column("origin_country", "Country of origin", "Pays d'origine")),
		of(sheet.Code, column("vat.category", "VAT category", "Catégorie de TVA")),
		of(sheet.Percent, column("vat.rate", "VAT rate", "Taux de TVA")),
		column("vat.exemption_reason", "Exemption reason", "Motif d'exonération"),
		column("vat.exemption_reason_code", "Exemption reason code", "Code du motif d'exonération"),
	}
}

func addressColumns() []sheet.Column {
	return []sheet.Column{
		column("address.line1", "Street", "Rue"),
		column("address.line2", "Street 2", "Rue 2"),
		column("address.post_code", "Post code", "Code postal"),
		column("address.city", "City", "Ville"),
		of(sheet.Code, column("address.country", "Country", "Pays")),
	}
}
