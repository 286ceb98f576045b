package requirements

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/i18n"
)

// compiledKind is an AttachmentKind with its patterns.
type compiledKind struct {
	AttachmentKind
	description, filename *regexp.Regexp
}

func (a compiledKind) fits(d *invoice.SupportingDocument) bool {
	file := d.Attachment
	return file != nil && len(file.Content) > 0 &&
		(a.description == nil || a.description.MatchString(d.Description)) &&
		(a.filename == nil || a.filename.MatchString(file.Filename)) &&
		(len(a.MIMETypes) == 0 || containsFold(a.MIMETypes, file.MIMECode)) &&
		(a.MaxBytes == 0 || int64(len(file.Content)) <= a.MaxBytes)
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(e string) bool { return strings.EqualFold(e, s) })
}

// attachments checks the embedded files.
func (k *checking) attachments() {
	a := k.profile.Attachments
	if a == nil {
		return
	}
	for _, kind := range k.kinds {
		var found int64
		for i := range k.inv.SupportingDocuments {
			if kind.fits(&k.inv.SupportingDocuments[i]) {
				found++
			}
		}
		if found < max(kind.Count, 1) {
			k.finds(keyAttachment, "BG-24", "supporting_documents", "", i18n.A("what", kind.Name))
		}
	}
	var count, total int64
	for i := range k.inv.SupportingDocuments {
		file := k.inv.SupportingDocuments[i].Attachment
		if file == nil {
			continue
		}
		path := fmt.Sprintf("supporting_documents[%d].attachment", i)
		size := int64(len(file.Content))
		count++
		total += size
		if len(a.MIMETypes) > 0 && !containsFold(a.MIMETypes, file.MIMECode) {
			k.finds(keyAttachmentMIME, "BT-125", path+".mime_code", file.MIMECode, accepted(a.MIMETypes))
		}
		if a.MaxBytes > 0 && size > a.MaxBytes {
			k.finds(keyAttachmentSize, "BT-125", path+".content", fmt.Sprint(size), most(k.lang, a.MaxBytes))
		}
	}
	if a.MaxCount > 0 && count > a.MaxCount {
		k.finds(keyAttachments, "BG-24", "supporting_documents", fmt.Sprint(count), most(k.lang, a.MaxCount))
	}
	if a.MaxTotalBytes > 0 && total > a.MaxTotalBytes {
		k.finds(keyAttachmentsSum, "BG-24", "supporting_documents", fmt.Sprint(total), most(k.lang, a.MaxTotalBytes))
	}
}
