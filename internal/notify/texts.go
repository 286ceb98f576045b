package notify

import (
	"text/template"

	"facteur.dev/facteur/internal/i18n"
)

// Keys of the texts.
const (
	keyInvoice     i18n.Key = "invoice"
	keyCreditNote  i18n.Key = "credit_note"
	keySubject     i18n.Key = "subject"
	keyGreeting    i18n.Key = "greeting"
	keySentence    i18n.Key = "sentence"
	keyButton      i18n.Key = "button"
	keyLinkNote    i18n.Key = "link_note"
	keyAttached    i18n.Key = "attached"
	keySign        i18n.Key = "sign"
	keyFrom        i18n.Key = "from"
	keyNumber      i18n.Key = "number"
	keyDate        i18n.Key = "date"
	keyOrder       i18n.Key = "order"
	keyAmount      i18n.Key = "amount"
	keyDue         i18n.Key = "due"
	keyCodeSubject i18n.Key = "code_subject"
	keyCodeText    i18n.Key = "code_text"
)

var texts = i18n.Catalogue{
	keyInvoice:     {EN: "invoice {number}", FR: "facture {number}"},
	keyCreditNote:  {EN: "credit note {number}", FR: "avoir {number}"},
	keySubject:     {EN: "{seller}: {what}", FR: "{seller} : {what}"},
	keyGreeting:    {EN: "Hello,", FR: "Bonjour,"},
	keySentence:    {EN: "{seller} has sent you {what}.", FR: "{seller} vous adresse : {what}."},
	keyButton:      {EN: "See the invoice", FR: "Voir la facture"},
	keyLinkNote:    {EN: "The page shows who sent the invoice before it shows the invoice.", FR: "La page indique l’expéditeur avant d’afficher la facture."},
	keyAttached:    {EN: "The invoice is attached as a file that your accounting software can read.", FR: "La facture est jointe sous forme de fichier lisible par votre logiciel comptable."},
	keySign:        {EN: "Kind regards,", FR: "Cordialement,"},
	keyFrom:        {EN: "From", FR: "Émetteur"},
	keyNumber:      {EN: "Number", FR: "Numéro"},
	keyDate:        {EN: "Issued on", FR: "Émise le"},
	keyOrder:       {EN: "Your order", FR: "Votre commande"},
	keyAmount:      {EN: "Amount due", FR: "Montant à payer"},
	keyDue:         {EN: "Due on", FR: "À payer avant le"},
	keyCodeSubject: {EN: "{code} is your code for invoice {number}", FR: "{code} est votre code pour la facture {number}"},
	keyCodeText: {
		EN: "Your code for invoice {number} of {seller}:\n\n{code}\n\nIt works for ten minutes. If you did not ask for it, you can ignore this mail.\n",
		FR: "Votre code pour la facture {number} de {seller} :\n\n{code}\n\nIl est valable dix minutes. Si vous ne l’avez pas demandé, ignorez ce message.\n",
	},
}

var textLetter = template.Must(template.New("letter").Parse(`{{.Greeting}}

{{.Sentence}}

{{range .Rows}}{{.Name}}: {{.Value}}
{{end}}{{if .Link}}
{{.Button}}: {{.Link}}
{{end}}
{{.Attached}}

{{.Sign}}
{{.Seller}}
`))
