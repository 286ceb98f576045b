package requirements

import (
	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/i18n"
)

// Ends of rule ids, and the keys of their texts: profile.order_reference.required.
const (
	keyRequired i18n.Key = "required"
	keyPattern  i18n.Key = "pattern"
	keySample   i18n.Key = "pattern.sample"
	keyScheme   i18n.Key = "scheme"
	keyCheck    i18n.Key = "check"
	keyLine     i18n.Key = "line"
	keyOr       i18n.Key = "or"

	keyRequireAny     i18n.Key = "require_any"
	keySyntax         i18n.Key = "syntax"
	keyCustomization  i18n.Key = "customization"
	keyDocumentBytes  i18n.Key = "document.max_bytes"
	keyCurrency       i18n.Key = "currency"
	keyTotalLimit     i18n.Key = "total.limit"
	keyTotalCurrency  i18n.Key = "total.currency"
	keyAttachment     i18n.Key = "attachments.required"
	keyAttachmentMIME i18n.Key = "attachments.mime_type"
	keyAttachmentSize i18n.Key = "attachments.max_bytes"
	keyAttachments    i18n.Key = "attachments.max_count"
	keyAttachmentsSum i18n.Key = "attachments.max_total_bytes"
	keyDueDate        i18n.Key = "payment.due_date"
	keyMinDueDays     i18n.Key = "payment.min_due_days"
	keyMaxDueDays     i18n.Key = "payment.max_due_days"
	keyMeans          i18n.Key = "payment.means_code"

	keyNoOrder       i18n.Key = "order.missing"
	keyOrderNumber   i18n.Key = "order.number"
	keyOrderCurrency i18n.Key = "order.currency"
	keyOtherLine     i18n.Key = "order.other_line"
	keyOrderUnit     i18n.Key = "order.unit"
	keyOrderNoPrice  i18n.Key = "order.no_price"
	keyPrice         i18n.Key = "order.price"
	keyQuantity      i18n.Key = "order.quantity"
)

// words are what findings say. {field} is a term with its name.
var words = i18n.Catalogue{
	keyRequired: {EN: "{field} is missing.", FR: "Il manque : {field}."},
	keyPattern: {
		EN: "{field} does not have the form that this customer asks for: {pattern}",
		FR: "{field} n’a pas la forme que ce client demande : {pattern}",
	},
	keySample: {
		EN: "{field} does not have the form that this customer asks for, which is like {sample}.",
		FR: "{field} n’a pas la forme que ce client demande, celle de {sample}.",
	},
	keyScheme: {
		EN: "{field} is not in a scheme that this customer accepts ({schemes}).",
		FR: "{field} n’est pas dans un schéma que ce client accepte ({schemes}).",
	},
	keyCheck: {EN: "{field} is not {what}: its form or its check digits are wrong.", FR: "{field} n’est pas {what} : sa forme ou sa clé est fausse."},
	keyLine:  {EN: "Invoice line {line}: ", FR: "Ligne de facture {line} : "},
	keyOr:    {EN: " or ", FR: " ou "},

	keyRequireAny: {EN: "One of these is missing: {fields}.", FR: "Il manque l’un de ces éléments : {fields}."},
	keySyntax: {
		EN: "This customer does not accept the syntax of the document ({accepted}).",
		FR: "Ce client n’accepte pas la syntaxe du document ({accepted}).",
	},
	keyCustomization: {
		EN: "This customer does not accept the specification of the document ({accepted}).",
		FR: "Ce client n’accepte pas la spécification du document ({accepted}).",
	},
	keyDocumentBytes: {
		EN: "The document is larger than the {most} bytes that this customer accepts.",
		FR: "Le document dépasse les {most} octets que ce client accepte.",
	},
	keyCurrency: {EN: "This customer does not accept the currency ({accepted}).", FR: "Ce client n’accepte pas la devise ({accepted})."},
	keyTotalLimit: {
		EN: "The total with VAT is more than the {most} that this customer accepts.",
		FR: "Le total TTC dépasse les {most} que ce client accepte.",
	},
	keyTotalCurrency: {
		EN: "The total with VAT cannot be compared with the limit of {most}: it is in another currency.",
		FR: "Le total TTC ne peut pas être comparé à la limite de {most} : il est dans une autre devise.",
	},
	keyAttachment: {EN: "An attached file is missing: {what}.", FR: "Il manque une pièce jointe : {what}."},
	keyAttachmentMIME: {
		EN: "This customer does not accept the type of the attached file ({accepted}).",
		FR: "Ce client n’accepte pas le type de la pièce jointe ({accepted}).",
	},
	keyAttachmentSize: {
		EN: "The attached file is larger than the {most} bytes that this customer accepts.",
		FR: "La pièce jointe dépasse les {most} octets que ce client accepte.",
	},
	keyAttachments: {
		EN: "There are more attached files than the {most} that this customer accepts.",
		FR: "Il y a plus de pièces jointes que les {most} que ce client accepte.",
	},
	keyAttachmentsSum: {
		EN: "The attached files together are larger than the {most} bytes that this customer accepts.",
		FR: "Les pièces jointes dépassent ensemble les {most} octets que ce client accepte.",
	},
	keyDueDate: {EN: "The payment due date is missing.", FR: "Il manque la date d’échéance du paiement."},
	keyMinDueDays: {
		EN: "Payment is due less than {days} days after the issue date.",
		FR: "Le paiement est dû moins de {days} jours après la date d’émission.",
	},
	keyMaxDueDays: {
		EN: "Payment is due more than {days} days after the issue date.",
		FR: "Le paiement est dû plus de {days} jours après la date d’émission.",
	},
	keyMeans: {
		EN: "This customer does not accept the means of payment ({accepted}).",
		FR: "Ce client n’accepte pas le moyen de paiement ({accepted}).",
	},

	keyNoOrder:       {EN: "There is no order to compare the invoice with.", FR: "Il n’y a pas de commande à laquelle comparer la facture."},
	keyOrderNumber:   {EN: "The invoice names another order than {order}.", FR: "La facture cite une autre commande que {order}."},
	keyOrderCurrency: {EN: "The order is in {currency}.", FR: "La commande est en {currency}."},
	keyOtherLine:     {EN: "It is no line of the order {order}.", FR: "Elle ne figure pas sur la commande {order}."},
	keyOrderUnit: {
		EN: "The order has the unit {unit}, so that prices and quantities cannot be compared.",
		FR: "La commande est dans l’unité {unit} : prix et quantités ne sont pas comparables.",
	},
	keyOrderNoPrice: {EN: "The order states no price to compare with.", FR: "La commande n’indique pas de prix auquel comparer."},
	keyPrice: {
		EN: "The price differs from the order’s, {ordered}, by more than this customer accepts.",
		FR: "Le prix s’écarte de celui de la commande, {ordered}, plus que ce client ne l’accepte.",
	},
	keyQuantity: {
		EN: "With {before} invoiced before, this is more than the {ordered} ordered and what this customer accepts on top.",
		FR: "Avec {before} déjà facturé, cela dépasse les {ordered} commandés et l’écart que ce client accepte.",
	},
}

// checkNames say what a value must be by the checks that Text.Check names.
var checkNames = i18n.Catalogue{
	"leitweg_id": {EN: "a Leitweg-ID", FR: "un Leitweg-ID"},
	"gln":        {EN: "a GLN", FR: "un GLN"},
	"gtin":       {EN: "a GTIN", FR: "un GTIN"},
	"siren":      {EN: "a SIREN", FR: "un SIREN"},
	"siret":      {EN: "a SIRET", FR: "un SIRET"},
}

// named gives a term with its name: "Purchase order reference (BT-13)".
func named(lang i18n.Lang, term string) string {
	return invoice.TermName(term, string(lang)) + " (" + term + ")"
}
