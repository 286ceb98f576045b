package xsd

import (
	"strconv"
	"strings"

	"facteur.dev/facteur/validation"
)

// domainSchemas is XML_FROM_SCHEMASV, the domain of libxml2's errors about
// instances.
const domainSchemas = 17

// rules names libxml2's error codes (enum xmlParserErrors) after the validation
// rules of XML Schema 1.0 part 1.
var rules = map[int]string{
	1824: "cvc-datatype-valid.1.2.1",
	1825: "cvc-datatype-valid.1.2.2",
	1826: "cvc-datatype-valid.1.2.3",
	1827: "cvc-type.3.1.1",
	1828: "cvc-type.3.1.2",
	1829: "cvc-facet-valid",
	1830: "cvc-length-valid",
	1831: "cvc-minLength-valid",
	1832: "cvc-maxLength-valid",
	1833: "cvc-minInclusive-valid",
	1834: "cvc-maxInclusive-valid",
	1835: "cvc-minExclusive-valid",
	1836: "cvc-maxExclusive-valid",
	1837: "cvc-totalDigits-valid",
	1838: "cvc-fractionDigits-valid",
	1839: "cvc-pattern-valid",
	1840: "cvc-enumeration-valid",
	1841: "cvc-complex-type.2.1",
	1842: "cvc-complex-type.2.2",
	1843: "cvc-complex-type.2.3",
	1844: "cvc-complex-type.2.4",
	1845: "cvc-elt.1",
	1846: "cvc-elt.2",
	1847: "cvc-elt.3.1",
	1848: "cvc-elt.3.2.1",
	1849: "cvc-elt.3.2.2",
	1850: "cvc-elt.4.1",
	1851: "cvc-elt.4.2",
	1852: "cvc-elt.4.3",
	1853: "cvc-elt.5.1.1",
	1854: "cvc-elt.5.1.2",
	1855: "cvc-elt.5.2.1",
	1856: "cvc-elt.5.2.2.1",
	1857: "cvc-elt.5.2.2.2.1",
	1858: "cvc-elt.5.2.2.2.2",
	1859: "cvc-elt.6",
	1860: "cvc-elt.7",
	1861: "cvc-attribute.1",
	1862: "cvc-attribute.2",
	1863: "cvc-attribute.3",
	1864: "cvc-attribute.4",
	1865: "cvc-complex-type.3.1",
	1866: "cvc-complex-type.3.2.1",
	1867: "cvc-complex-type.3.2.2",
	1868: "cvc-complex-type.4",
	1869: "cvc-complex-type.5.1",
	1870: "cvc-complex-type.5.2",
	1871: "cvc-complex-type.2.4",
	1872: "cvc-document",
	1873: "cvc-complex-type.1",
	1874: "cvc-au",
	1875: "cvc-type.1",
	1876: "cvc-type.2",
	1877: "cvc-identity-constraint",
	1878: "cvc-wildcard",
}

// ruleMore is the rule of the last finding when there are more than told.
const ruleMore = "xsd.more"

func (c complaint) rule() string {
	if c.domain != domainSchemas {
		return "xml.libxml2-" + strconv.Itoa(c.code)
	}
	if r, ok := rules[c.code]; ok {
		return r
	}
	return "xsd." + strconv.Itoa(c.code)
}

// attribute returns the name of the attribute that the complaint is about.
func (c complaint) attribute() string {
	_, rest, ok := strings.Cut(c.message, "', attribute '")
	if !ok || !strings.HasPrefix(c.message, "Element '") {
		return ""
	}
	name, _, ok := strings.Cut(rest, "'")
	if !ok || strings.ContainsAny(name, "/[]") {
		return ""
	}
	if i := strings.LastIndexByte(name, '}'); i >= 0 {
		name = name[i+1:]
	}
	return name
}

// findings places the complaints in the document.
func (c complaints) findings(doc *validation.Document) []validation.Finding {
	numbers := make([]int, len(c.list))
	for i, x := range c.list {
		numbers[i] = x.element
	}
	places := doc.Elements(numbers)
	var out []validation.Finding
	for _, x := range c.list {
		p := places[x.element]
		if name := x.attribute(); name != "" {
			if a, ok := doc.Locate(p.Location + "/@" + name); ok {
				p = a
			}
		}
		f := validation.Finding{Rule: x.rule(), Severity: validation.SeverityError, Message: x.message}
		out = append(out, p.Fill(f))
	}
	if c.more {
		out = append(out, validation.Finding{
			Rule: ruleMore, Severity: validation.SeverityError,
			Message: "more than " + strconv.Itoa(MaxFindings) + " findings; the rest of the document was not checked",
		})
	}
	return out
}
