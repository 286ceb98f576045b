package intake

import (
	"bytes"
	"mime"
	"path"
	"strings"
)

// Media types that are understood.
const (
	JSON = "application/json"
	XML  = "application/xml"
	CSV  = "text/csv"
	XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

// MediaType gives the media type of bytes: what the sender declares, else what
// the file name says, else what they begin with. It is "" when none of them tells,
// or when the sender declares something that is not understood.
func MediaType(declared, filename string, content []byte) string {
	if declared != "" {
		t, _, err := mime.ParseMediaType(declared)
		switch {
		case err != nil:
			return ""
		case t == "text/xml" || t == XML || strings.HasSuffix(t, "+xml"):
			return XML
		case t == JSON || strings.HasSuffix(t, "+json"):
			return JSON
		case t == CSV || t == "text/tab-separated-values":
			return CSV
		case t == XLSX:
			return XLSX
		case t != "application/octet-stream": // which says nothing
			return ""
		}
	}
	switch strings.ToLower(path.Ext(filename)) {
	case ".xml":
		return XML
	case ".json":
		return JSON
	case ".csv", ".tsv":
		return CSV
	case ".xlsx":
		return XLSX
	}
	return sniff(content)
}

// sniff tells by the first bytes. Nothing tells a CSV file from other text.
func sniff(content []byte) string {
	begin := bytes.TrimPrefix(content[:min(len(content), 512)], []byte("\xef\xbb\xbf"))
	begin = bytes.TrimLeft(begin, " \t\r\n")
	switch {
	case bytes.HasPrefix(begin, []byte("<")), bytes.HasPrefix(begin, []byte("\xff\xfe")), bytes.HasPrefix(begin, []byte("\xfe\xff")):
		return XML
	case bytes.HasPrefix(begin, []byte("{")):
		return JSON
	case bytes.HasPrefix(content, []byte("PK\x03\x04")):
		return XLSX
	}
	return ""
}
