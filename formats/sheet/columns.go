package sheet

import (
	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/formats/order"
)

// value is a cell of a known column: text, or the number or date that it says.
type value struct{ text string }

func (v value) decimal() invoice.Decimal     { return invoice.MustDecimal(v.text) }
func (v value) decimalPtr() *invoice.Decimal { return v.decimal().Ptr() }
func (v value) date() invoice.Date           { return invoice.MustDate(v.text) }
func (v value) datePtr() *invoice.Date       { return v.date().Ptr() }

// orderColumn is a column of an order table and where its values go: to the order
// as a whole or to the line.
type orderColumn struct {
	Column
	// path is the field in the order ("currency") or the line ("price.net"), for the
	// problems that the order's Check finds.
	path   string
	onLine bool
	order  func(*order.Order, value)
	line   func(*order.Line, value)
	// example of a first and a second line in the template.
	example [2]string
}

// OrderColumns are the columns of an order table, in the order of the template. The
// first header is English, the second French.
func OrderColumns() []Column {
	var list []Column
	for _, c := range orderColumns() {
		list = append(list, c.Column)
	}
	return list
}

// needs are columns that say nothing without another in the same row; which one is
// missing would change what is invoiced.
var needs = []struct {
	key    string
	others []string
}{
	{"price_quantity", []string{"unit_price"}},
	{"vat_rate", []string{"vat_category"}},
	{"vat_exemption_reason", []string{"vat_category"}},
	{"discount_reason", []string{"discount", "discount_percent"}},
	{"order_discount_reason", []string{"order_discount"}},
	{"order_discount_vat_category", []string{"order_discount"}},
	{"order_discount_vat_rate", []string{"order_discount_vat_category"}},
	{"freight_reason", []string{"freight"}},
	{"freight_vat_category", []string{"freight"}},
	{"freight_vat_rate", []string{"freight_vat_category"}},
	{"corrected_invoice_date", []string{"corrected_invoice"}},
}

func head(key, en, fr string, kind Kind, path string, set func(*order.Order, value), example string, more ...string) orderColumn {
	c := Column{Key: key, Headers: append([]string{en, fr}, more...), Kind: kind}
	return orderColumn{Column: c, path: path, order: set, example: [2]string{example, ""}}
}

func position(key, en, fr string, kind Kind, path string, set func(*order.Line, value), first, second string, more ...string) orderColumn {
	c := Column{Key: key, Headers: append([]string{en, fr}, more...), Kind: kind}
	return orderColumn{Column: c, path: path, onLine: true, line: set, example: [2]string{first, second}}
}

func orderColumns() []orderColumn {
	columns := append(headColumns(), deliveryColumns()...)
	columns = append(columns, lineColumns()...)
	for i := range columns {
		switch columns[i].Key {
		case "order_number", "currency", "quantity":
			columns[i].Required = true
		}
	}
	return columns
}

func headColumns() []orderColumn {
	type T = order.Order
	return []orderColumn{
		head("order_number", "Order number", "Numéro de commande", Text, "number",
			func(o *T, v value) { o.Number = v.text }, "4500001234", "Purchase order", "Commande", "N° commande"),
		head("external_id", "External ID", "Identifiant externe", Text, "external_id",
			func(o *T, v value) { o.ExternalID = v.text }, "SO-1001"),
		head("order_date", "Order date", "Date de commande", Date, "issue_date",
			func(o *T, v value) { o.IssueDate = v.date() }, "2026-03-02"),
		head("currency", "Currency", "Devise", Code, "currency",
			func(o *T, v value) { o.Currency = v.text }, "EUR"),
		head("kind", "Kind", "Type", Text, "kind",
			func(o *T, v value) { o.Kind = order.Kind(word(v.text)) }, "purchase", "Type de commande"),
		head("billing", "Billing", "Facturation", Text, "billing",
			func(o *T, v value) { o.Billing = order.Billing(word(v.text)) }, "on_order"),
		head("customer_number", "Customer number", "Numéro client", Text, "buyer.account_number",
			func(o *T, v value) { o.Buyer.AccountNumber = v.text }, "C-1001", "N° client"),
		head("customer_name", "Customer name", "Nom du client", Text, "buyer.name",
			func(o *T, v value) { o.Buyer.Name = v.text }, "Épicerie Générale du Nord SA", "Customer", "Client"),
		head("customer_vat_number", "Customer VAT number", "Numéro de TVA du client", Text, "buyer.vat_identifier",
			func(o *T, v value) { o.Buyer.VATIdentifier = v.text }, "", "N° TVA client"),
		head("buyer_reference", "Buyer reference", "Référence acheteur", Text, "buyer_reference",
			func(o *T, v value) { o.BuyerReference = v.text }, ""),
		head("cost_centre", "Cost centre", "Centre de coûts", Text, "accounting_reference",
			func(o *T, v value) { o.AccountingReference = v.text }, "", "Cost center", "Accounting reference", "Référence comptable"),
		head("contract", "Contract", "Contrat", Text, "contract_reference",
			func(o *T, v value) { o.ContractReference = v.text }, "", "Contract reference", "Marché"),
		head("project", "Project", "Projet", Text, "project_reference",
			func(o *T, v value) { o.ProjectReference = v.text }, ""),
		head("sales_order_number", "Sales order number", "Numéro de commande vendeur", Text, "sales_order_number",
			func(o *T, v value) { o.SalesOrderNumber = v.text }, ""),
		head("payment_terms", "Payment terms", "Conditions de paiement", Text, "payment_terms",
			func(o *T, v value) { o.PaymentTerms = v.text }, ""),
		head("period_start", "Period start", "Début de période", Date, "period.start",
			func(o *T, v value) { period(&o.Period).Start = v.datePtr() }, ""),
		head("period_end", "Period end", "Fin de période", Date, "period.end",
			func(o *T, v value) { period(&o.Period).End = v.datePtr() }, ""),
		head("corrected_invoice", "Corrected invoice", "Facture corrigée", Text, "preceding_invoices",
			func(o *T, v value) { preceding(o).Number = v.text }, ""),
		head("corrected_invoice_date", "Corrected invoice date", "Date de la facture corrigée", Date, "preceding_invoices",
			func(o *T, v value) { preceding(o).IssueDate = v.datePtr() }, ""),
		head("order_discount", "Order discount", "Remise globale", Number, "allowances[0].amount",
			func(o *T, v value) { only(&o.Allowances).Amount = v.decimal() }, ""),
		head("order_discount_reason", "Order discount reason", "Motif de la remise globale", Text, "allowances[0].reason",
			func(o *T, v value) { only(&o.Allowances).Reason = v.text }, ""),
		head("order_discount_vat_category", "Order discount VAT category", "Catégorie de TVA de la remise globale", Code, "allowances[0].vat_category",
			func(o *T, v value) { only(&o.Allowances).VATCategory = v.text }, ""),
		head("order_discount_vat_rate", "Order discount VAT rate", "Taux de TVA de la remise globale", Percent, "allowances[0].vat_rate",
			func(o *T, v value) { only(&o.Allowances).VATRate = v.decimalPtr() }, ""),
		head("freight", "Freight", "Frais de port", Number, "charges[0].amount",
			func(o *T, v value) { only(&o.Charges).Amount = v.decimal() }, "25", "Charge", "Frais"),
		head("freight_reason", "Freight reason", "Motif des frais", Text, "charges[0].reason",
			func(o *T, v value) { only(&o.Charges).Reason = v.text }, "Transport"),
		head("freight_vat_category", "Freight VAT category", "Catégorie de TVA des frais", Code, "charges[0].vat_category",
			func(o *T, v value) { only(&o.Charges).VATCategory = v.text }, ""),
		head("freight_vat_rate", "Freight VAT rate", "Taux de TVA des frais", Percent, "charges[0].vat_rate",
			func(o *T, v value) { only(&o.Charges).VATRate = v.decimalPtr() }, ""),
		head("note", "Note", "Note", Text, "notes", func(o *T, v value) { o.Notes = []string{v.text} }, "", "Remarque"),
	}
}

func deliveryColumns() []orderColumn {
	type T = order.Order
	return []orderColumn{
		head("delivery_name", "Delivery name", "Nom de livraison", Text, "deliver_to.party_name",
			func(o *T, v value) { deliverTo(o).PartyName = v.text }, ""),
		head("delivery_address", "Delivery address", "Adresse de livraison", Text, "deliver_to.address.line1",
			func(o *T, v value) { deliveryAddress(o).Line1 = v.text }, ""),
		head("delivery_address_2", "Delivery address 2", "Adresse de livraison 2", Text, "deliver_to.address.line2",
			func(o *T, v value) { deliveryAddress(o).Line2 = v.text }, ""),
		head("delivery_post_code", "Delivery post code", "Code postal de livraison", Text, "deliver_to.address.post_code",
			func(o *T, v value) { deliveryAddress(o).PostCode = v.text }, ""),
		head("delivery_city", "Delivery city", "Ville de livraison", Text, "deliver_to.address.city",
			func(o *T, v value) { deliveryAddress(o).City = v.text }, ""),
		head("delivery_country", "Delivery country", "Pays de livraison", Code, "deliver_to.address.country",
			func(o *T, v value) { deliveryAddress(o).Country = v.text }, ""),
	}
}

func lineColumns() []orderColumn {
	type T = order.Line
	return []orderColumn{
		position("line", "Line", "Ligne", Text, "id", func(l *T, v value) { l.ID = v.text }, "10", "20", "Line number", "N° ligne"),
		position("item_number", "Item number", "Référence article", Text, "item.seller_id",
			func(l *T, v value) { l.Item.SellerID = v.text }, "LAM-100", "LAM-200", "SKU", "Article"),
		position("customer_item_number", "Customer item number", "Référence article client", Text, "item.buyer_id",
			func(l *T, v value) { l.Item.BuyerID = v.text }, "", ""),
		position("gtin", "GTIN", "Code EAN", Text, "item.standard_id",
			func(l *T, v value) { l.Item.StandardID = invoice.Identifier{Value: v.text, Scheme: "0160"} }, "", "", "EAN"),
		position("item_name", "Item name", "Désignation", Text, "item.name",
			func(l *T, v value) { l.Item.Name = v.text }, "Lampe de bureau", "Suspension", "Item", "Description", "Libellé"),
		position("quantity", "Quantity", "Quantité", Number, "quantity",
			func(l *T, v value) { l.Quantity = v.decimal() }, "24", "4.5", "Qty", "Qté"),
		position("unit", "Unit", "Unité", Code, "unit", func(l *T, v value) { l.Unit = v.text }, "C62", "MTR"),
		position("unit_price", "Unit price", "Prix unitaire", Number, "price.net",
			func(l *T, v value) { price(l).Net = v.decimal() }, "89.9", "212.5", "Price", "Prix"),
		position("price_quantity", "Price for quantity", "Prix pour quantité", Number, "price.base_quantity",
			func(l *T, v value) { price(l).BaseQuantity = v.decimalPtr() }, "", "", "Price per"),
		position("discount", "Line discount", "Remise ligne", Number, "allowances[0].amount",
			func(l *T, v value) { onlyLine(l).Amount = v.decimal() }, "", ""),
		position("discount_percent", "Line discount %", "Remise ligne %", Percent, "allowances[0].percentage",
			func(l *T, v value) { onlyLine(l).Percentage = v.decimalPtr() }, "", "5"),
		position("discount_reason", "Line discount reason", "Motif de la remise", Text, "allowances[0].reason",
			func(l *T, v value) { onlyLine(l).Reason = v.text }, "", "Remise"),
		position("vat_category", "VAT category", "Catégorie de TVA", Code, "vat.category",
			func(l *T, v value) { vat(l).Category = v.text }, "S", "S"),
		position("vat_rate", "VAT rate", "Taux de TVA", Percent, "vat.rate",
			func(l *T, v value) { vat(l).Rate = v.decimalPtr() }, "20", "20", "VAT %", "TVA %"),
		position("vat_exemption_reason", "VAT exemption reason", "Motif d'exonération", Text, "vat.exemption_reason",
			func(l *T, v value) { vat(l).ExemptionReason = v.text }, "", ""),
		position("line_cost_centre", "Line cost centre", "Centre de coûts ligne", Text, "accounting_reference",
			func(l *T, v value) { l.AccountingReference = v.text }, "", "", "Line cost center"),
		position("line_period_start", "Line period start", "Début de période ligne", Date, "period.start",
			func(l *T, v value) { linePeriod(l).Start = v.datePtr() }, "", ""),
		position("line_period_end", "Line period end", "Fin de période ligne", Date, "period.end",
			func(l *T, v value) { linePeriod(l).End = v.datePtr() }, "", ""),
		position("line_note", "Line note", "Note ligne", Text, "notes",
			func(l *T, v value) { l.Notes = []string{v.text} }, "", ""),
	}
}

// words are the values of kind and billing as people write them.
var words = map[string]string{
	"purchase": "purchase", "order": "purchase", "achat": "purchase", "commande": "purchase",
	"return": "return", "retour": "return", "avoir": "return",
	"onorder": "on_order", "alacommande": "on_order",
	"ondelivery": "on_delivery", "alalivraison": "on_delivery",
}

// word is the value meant, or the text as it stands, for Check to refuse.
func word(text string) string {
	if w, ok := words[normal(text)]; ok {
		return w
	}
	return text
}

func period(p **invoice.InvoicingPeriod) *invoice.InvoicingPeriod {
	if *p == nil {
		*p = new(invoice.InvoicingPeriod)
	}
	return *p
}

func linePeriod(l *order.Line) *invoice.LinePeriod {
	if l.Period == nil {
		l.Period = new(invoice.LinePeriod)
	}
	return l.Period
}

func preceding(o *order.Order) *invoice.PrecedingInvoice {
	if len(o.PrecedingInvoices) == 0 {
		o.PrecedingInvoices = make([]invoice.PrecedingInvoice, 1)
	}
	return &o.PrecedingInvoices[0]
}

func only(list *[]invoice.AllowanceCharge) *invoice.AllowanceCharge {
	if len(*list) == 0 {
		*list = make([]invoice.AllowanceCharge, 1)
	}
	return &(*list)[0]
}

func onlyLine(l *order.Line) *invoice.LineAllowanceCharge {
	if len(l.Allowances) == 0 {
		l.Allowances = make([]invoice.LineAllowanceCharge, 1)
	}
	return &l.Allowances[0]
}

func deliverTo(o *order.Order) *order.DeliverTo {
	if o.DeliverTo == nil {
		o.DeliverTo = new(order.DeliverTo)
	}
	return o.DeliverTo
}

func deliveryAddress(o *order.Order) *invoice.Address {
	to := deliverTo(o)
	if to.Address == nil {
		to.Address = new(invoice.Address)
	}
	return to.Address
}

func price(l *order.Line) *invoice.Price {
	if l.Price == nil {
		l.Price = new(invoice.Price)
	}
	return l.Price
}

func vat(l *order.Line) *order.VAT {
	if l.VAT == nil {
		l.VAT = new(order.VAT)
	}
	return l.VAT
}
