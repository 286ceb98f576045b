package render

import (
	"maps"

	"facteur.dev/facteur/internal/i18n"
)

// texts are all our words: labels here, codes in codes.go.
var texts = func() i18n.Catalogue {
	all := maps.Clone(labels)
	maps.Copy(all, codes)
	return all
}()

var labels = i18n.Catalogue{
	"kind.invoice":     {EN: "Invoice", FR: "Facture"},
	"kind.credit_note": {EN: "Credit note", FR: "Avoir"},

	"label.lines":       {EN: "What is invoiced", FR: "Détail"},
	"label.item":        {EN: "Description", FR: "Désignation"},
	"label.quantity":    {EN: "Quantity", FR: "Quantité"},
	"label.price":       {EN: "Unit price", FR: "Prix unitaire"},
	"label.vat":         {EN: "VAT", FR: "TVA"},
	"label.net":         {EN: "Net amount", FR: "Montant HT"},
	"label.adjustments": {EN: "Allowances and charges", FR: "Remises et frais"},
	"label.breakdown":   {EN: "VAT breakdown", FR: "Ventilation de la TVA"},
	"label.taxable":     {EN: "Taxable amount", FR: "Base d’imposition"},
	"label.tax":         {EN: "VAT amount", FR: "Montant de TVA"},
	"label.totals":      {EN: "Totals", FR: "Totaux"},
	"label.payment":     {EN: "Payment", FR: "Règlement"},
	"label.notes":       {EN: "Notes", FR: "Mentions"},
	"label.attachments": {EN: "Supporting documents", FR: "Pièces jointes"},
	"label.references":  {EN: "References", FR: "Références"},

	"role.seller":             {EN: "Seller", FR: "Vendeur"},
	"role.buyer":              {EN: "Buyer", FR: "Acheteur"},
	"role.payee":              {EN: "Payee", FR: "Bénéficiaire du paiement"},
	"role.tax_representative": {EN: "Seller’s tax representative", FR: "Représentant fiscal du vendeur"},
	"role.delivery":           {EN: "Delivered to", FR: "Livré à"},

	"vat_id":             {EN: "VAT number", FR: "N° de TVA"},
	"tax_id":             {EN: "Tax number", FR: "N° fiscal"},
	"register":           {EN: "Registration number", FR: "N° d’immatriculation"},
	"identifier":         {EN: "Identifier", FR: "Identifiant"},
	"electronic_address": {EN: "Electronic address", FR: "Adresse électronique"},
	"contact.name":       {EN: "Contact", FR: "Contact"},
	"contact.telephone":  {EN: "Telephone", FR: "Téléphone"},
	"contact.email":      {EN: "E-mail", FR: "E-mail"},

	"issue_date":    {EN: "Issued on", FR: "Date d’émission"},
	"due_date":      {EN: "Due on", FR: "Échéance"},
	"delivery_date": {EN: "Delivered on", FR: "Date de livraison"},
	"period":        {EN: "Period", FR: "Période"},
	"tax_point":     {EN: "VAT due from", FR: "Exigibilité de la TVA"},
	"period.both":   {EN: "{from} to {to}", FR: "du {from} au {to}"},
	"period.from":   {EN: "from {from}", FR: "à partir du {from}"},
	"period.to":     {EN: "until {to}", FR: "jusqu’au {to}"},
	"of_date":       {EN: "{what} of {date}", FR: "{what} du {date}"},

	"preceding":        {EN: "Earlier invoice", FR: "Facture d’origine"},
	"purchase_order":   {EN: "Order number", FR: "N° de commande"},
	"buyer_reference":  {EN: "Buyer reference", FR: "Référence de l’acheteur"},
	"buyer_accounting": {EN: "Cost centre", FR: "Imputation comptable"},
	"contract":         {EN: "Contract", FR: "Contrat"},
	"project":          {EN: "Project", FR: "Projet"},
	"sales_order":      {EN: "Seller’s order number", FR: "N° de commande du vendeur"},
	"despatch":         {EN: "Delivery note", FR: "Bon de livraison"},
	"receiving":        {EN: "Receiving advice", FR: "Avis de réception"},
	"tender":           {EN: "Tender or lot", FR: "Appel d’offres ou lot"},
	"object":           {EN: "Concerns", FR: "Objet"},

	"item.seller_id":   {EN: "Article", FR: "Article"},
	"item.buyer_id":    {EN: "Your article", FR: "Votre article"},
	"item.standard_id": {EN: "Standard number", FR: "N° standard"},
	"item.origin":      {EN: "Origin", FR: "Origine"},
	"order_line":       {EN: "Order line", FR: "Ligne de commande"},
	"price.per":        {EN: "per {quantity}", FR: "pour {quantity}"},
	"price.gross":      {EN: "list price {gross} less {discount}", FR: "prix brut {gross}, rabais {discount}"},
	"price.discount":   {EN: "after a discount of {discount}", FR: "rabais de {discount} déduit"},
	"share.of":         {EN: "{percent} of {base}", FR: "{percent} de {base}"},
	"allowance":        {EN: "Allowance", FR: "Remise"},
	"charge":           {EN: "Charge", FR: "Frais"},

	"total.lines":          {EN: "Sum of lines", FR: "Somme des lignes"},
	"total.allowances":     {EN: "Allowances", FR: "Remises"},
	"total.charges":        {EN: "Charges", FR: "Frais"},
	"total.without_vat":    {EN: "Total without VAT", FR: "Total HT"},
	"total.vat":            {EN: "VAT", FR: "TVA"},
	"total.vat_accounting": {EN: "VAT in accounting currency", FR: "TVA en devise comptable"},
	"total.with_vat":       {EN: "Total with VAT", FR: "Total TTC"},
	"total.third_party":    {EN: "Collected for a third party", FR: "Encaissé pour un tiers"},
	"total.paid":           {EN: "Paid already", FR: "Déjà payé"},
	"total.rounding":       {EN: "Rounding", FR: "Arrondi"},
	"total.due":            {EN: "Amount to pay", FR: "Montant à payer"},
	"total.credited":       {EN: "Amount credited", FR: "Montant crédité"},

	"pay_by":       {EN: "Please pay {amount} by {date}.", FR: "À régler : {amount}, au plus tard le {date}."},
	"iban":         {EN: "IBAN", FR: "IBAN"},
	"account":      {EN: "Account", FR: "Compte"},
	"bic":          {EN: "BIC", FR: "BIC"},
	"account_name": {EN: "Account holder", FR: "Titulaire du compte"},
	"card":         {EN: "Card", FR: "Carte"},
	"card_holder":  {EN: "Card holder", FR: "Titulaire de la carte"},
	"mandate":      {EN: "Mandate", FR: "Mandat"},
	"creditor":     {EN: "Creditor identifier", FR: "Identifiant du créancier"},
	"debited":      {EN: "Debited account", FR: "Compte débité"},
	"remittance":   {EN: "Payment reference", FR: "Référence à rappeler"},

	"size.bytes": {EN: "{n} byte|{n} bytes", FR: "{n} octet|{n} octets"},
	"size.kilo":  {EN: "{size} kB", FR: "{size} ko"},
	"size.mega":  {EN: "{size} MB", FR: "{size} Mo"},
}
