package invoice

// creditNoteCodes are the document types of UNTDID 1001 that EN 16931 treats as
// credit notes (the list of BR-CL-01 for UBL CreditNote). All other types are
// invoices.
const creditNoteCodes = " 81 83 261 262 296 308 381 396 420 458 502 503 532 "

// IsCreditNote tells whether the document is a credit note by its type (BT-3):
// its positive amounts are owed by the seller.
func (inv *Invoice) IsCreditNote() bool {
	return listed(creditNoteCodes, inv.TypeCode)
}
