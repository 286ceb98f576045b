package render

import (
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/i18n"
)

// schemes are the names of identification schemes that people know them by, as
// they are written in every language (ISO/IEC 6523 ICD codes and EAS codes).
var schemes = map[string]string{
	"0002": "SIREN", "0007": "Organisationsnummer", "0009": "SIRET", "0060": "D-U-N-S", "0088": "GLN", "0096": "P-nummer",
	"0106": "KvK", "0160": "GTIN", "0183": "UID (CH)", "0184": "CVR", "0192": "Organisasjonsnummer", "0204": "Leitweg-ID",
	"0208": "BCE/KBO", "0216": "OVT-tunnus", "0221": "登録番号",
}

func (b *builder) seller() Party {
	s := &b.inv.Seller
	ids := fields{b: b}
	ids.add("BT-31", "vat_id", s.VATIdentifier)
	ids.id("BT-30", "register", s.LegalRegistration)
	for _, id := range s.Identifiers {
		ids.id("BT-29", "identifier", id)
	}
	ids.add("BT-32", "tax_id", s.TaxRegistration)
	ids.list = append(ids.list, b.endpoint("BT-34", s.ElectronicAddress)...)
	return Party{
		Role: b.text("role.seller"), Name: s.Name, TradingName: other(s.TradingName, s.Name), Address: b.address(s.Address),
		Identifiers: ids.list, Contact: b.contact(s.Contact), Legal: s.LegalInformation,
	}
}

func (b *builder) buyer() Party {
	p := &b.inv.Buyer
	ids := fields{b: b}
	ids.add("BT-48", "vat_id", p.VATIdentifier)
	ids.id("BT-47", "register", p.LegalRegistration)
	ids.id("BT-46", "identifier", p.Identifier)
	ids.list = append(ids.list, b.endpoint("BT-49", p.ElectronicAddress)...)
	return Party{
		Role: b.text("role.buyer"), Name: p.Name, TradingName: other(p.TradingName, p.Name), Address: b.address(p.Address),
		Identifiers: ids.list, Contact: b.contact(p.Contact),
	}
}

// others are those who stand beside the two sides.
func (b *builder) others() []Party {
	var out []Party
	if p := b.inv.Payee; p != nil {
		ids := fields{b: b}
		ids.id("BT-61", "register", p.LegalRegistration)
		ids.id("BT-60", "identifier", p.Identifier)
		out = append(out, Party{Role: b.text("role.payee"), Name: p.Name, Identifiers: ids.list})
	}
	if p := b.inv.TaxRepresentative; p != nil {
		ids := fields{b: b}
		ids.add("BT-63", "vat_id", p.VATIdentifier)
		out = append(out, Party{
			Role: b.text("role.tax_representative"), Name: p.Name, Address: b.address(p.Address), Identifiers: ids.list,
		})
	}
	if d := b.inv.Delivery; d != nil {
		ids := fields{b: b}
		ids.id("BT-71", "identifier", d.Location)
		p := Party{Role: b.text("role.delivery"), Name: d.PartyName, Identifiers: ids.list}
		if d.Address != nil {
			p.Address = b.address(*d.Address)
		}
		if p.Name != "" || len(p.Address) > 0 || len(p.Identifiers) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// endpoint is an electronic address with its scheme, as networks write it.
func (b *builder) endpoint(term string, id invoice.Identifier) []Field {
	value := id.Value
	if value != "" && id.Scheme != "" && id.Scheme != "EM" { // EM: an e-mail address says so itself
		value = id.Scheme + ":" + value
	}
	f := fields{b: b}
	f.add(term, "electronic_address", value)
	return f.list
}

func (b *builder) contact(c *invoice.Contact) []Field {
	f := fields{b: b}
	if c != nil {
		f.add("", "contact.name", c.Name)
		f.add("", "contact.telephone", c.Telephone)
		f.add("", "contact.email", c.Email)
	}
	return f.list
}

func (b *builder) address(a invoice.Address) []string {
	var out []string
	for _, line := range []string{a.Line1, a.Line2, a.Line3, strings.TrimSpace(a.PostCode + " " + a.City), a.Subdivision, b.country(a.Country)} {
		if strings.TrimSpace(line) != "" {
			out = append(out, line)
		}
	}
	return out
}

// country names a country; a code that is none is kept.
func (b *builder) country(code string) string {
	switch code {
	case "":
		return ""
	case "1A", "XI": // additions of EN 16931 to ISO 3166-1
		return b.word("country.", code)
	}
	region, err := language.ParseRegion(code)
	if err != nil {
		return code
	}
	names := display.Regions(language.English)
	if b.lang == i18n.FR {
		names = display.Regions(language.French)
	}
	if name := names.Name(region); name != "" {
		return name
	}
	return code
}

// other gives a name unless it is the one that is shown anyway.
func other(name, shown string) string {
	if strings.EqualFold(strings.TrimSpace(name), strings.TrimSpace(shown)) {
		return ""
	}
	return name
}
