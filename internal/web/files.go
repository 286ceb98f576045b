package web

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"facteur.dev/facteur/formats/invoice"
	"facteur.dev/facteur/internal/gateway"
)

// file is bytes that somebody may fetch.
type file struct {
	SHA256, Name, Type string
}

// plainTypes are the media types that files keep; others say nothing.
var plainTypes = map[string]bool{
	"application/xml": true, "text/xml": true, "application/json": true, "application/pdf": true, "message/rfc822": true,
	"application/jsonl": true, "text/csv": true, "image/png": true, "image/jpeg": true,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": true, "application/vnd.oasis.opendocument.spreadsheet": true,
}

// send answers with a file to keep, never to show: it was written by others.
func send(c echo.Context, name, mediaType string, content []byte) error {
	base, _, err := mime.ParseMediaType(mediaType)
	if err != nil || !plainTypes[base] {
		base = "application/octet-stream"
	}
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	if strings.Trim(name, "._") == "" {
		name = "document"
	}
	h := c.Response().Header()
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private, no-store")
	return c.Blob(http.StatusOK, base, content)
}

// blob answers with stored bytes, as they are.
func (w *Web) blob(c echo.Context, tenant gateway.TenantID, f file) error {
	content, err := w.Blobs.Get(c.Request().Context(), tenant, f.SHA256)
	if err != nil {
		return err
	}
	return send(c, f.Name, f.Type, content)
}

// fileOf finds a file among the documents and the evidence of a record.
func fileOf(sha string, documents []gateway.Document, events []gateway.Event, source file) (file, error) {
	for _, d := range documents {
		if d.SHA256 == sha {
			return file{sha, d.Filename, d.MediaType}, nil
		}
	}
	for _, e := range events {
		if e.Evidence == sha {
			name := "evidence-" + e.ID
			if exts, err := mime.ExtensionsByType(e.EvidenceType); err == nil && len(exts) > 0 {
				name += exts[0]
			}
			return file{sha, name, e.EvidenceType}, nil
		}
	}
	if sha != "" && source.SHA256 == sha {
		return source, nil
	}
	return file{}, gateway.ErrNotFound
}

func (w *Web) invoiceFile(c echo.Context) error {
	p, ctx, id := current(c), c.Request().Context(), c.Param("id")
	var f file
	err := w.Store.For(p.tenantID()).Read(ctx, func(r gateway.Reader) error {
		inv, err := r.Invoice(ctx, id)
		if err != nil {
			return err
		}
		documents, err := r.InvoiceDocuments(ctx, id)
		if err != nil {
			return err
		}
		events, err := r.Timeline(ctx, gateway.EventFilter{InvoiceID: id})
		if err != nil {
			return err
		}
		f, err = fileOf(c.Param("sha256"), documents, events, file{inv.SourceSHA256, "source-" + id, inv.SourceType})
		return err
	})
	if err != nil {
		return err
	}
	return w.blob(c, p.tenantID(), f)
}

func (w *Web) inboundFile(c echo.Context) error {
	p, ctx, id := current(c), c.Request().Context(), c.Param("id")
	var f file
	err := w.Store.For(p.tenantID()).Read(ctx, func(r gateway.Reader) error {
		in, err := r.Inbound(ctx, id)
		if err != nil {
			return err
		}
		documents, err := r.InboundDocuments(ctx, id)
		if err != nil {
			return err
		}
		events, err := r.Timeline(ctx, gateway.EventFilter{InboundID: id})
		if err != nil {
			return err
		}
		f, err = fileOf(c.Param("sha256"), documents, events, file{in.SHA256, id + ".xml", in.MediaType})
		return err
	})
	if err != nil {
		return err
	}
	return w.blob(c, p.tenantID(), f)
}

// sendAttachment answers with an embedded supporting document (BG-24).
func sendAttachment(c echo.Context, inv *invoice.Invoice, index string) error {
	n, err := strconv.Atoi(index)
	if err != nil || n < 0 || n >= len(inv.SupportingDocuments) || inv.SupportingDocuments[n].Attachment == nil {
		return gateway.ErrNotFound
	}
	d := inv.SupportingDocuments[n]
	name := d.Attachment.Filename
	if name == "" {
		name = d.Reference
	}
	return send(c, name, d.Attachment.MIMECode, d.Attachment.Content)
}

// sealed reads the document of an invoice and its seal, and checks the one
// against the other. Without a document or seal the error is ErrNotFound.
func (w *Web) sealed(ctx context.Context, tenant gateway.TenantID, documents []gateway.Document) (Seal, error) {
	find := func(role string) string {
		for _, d := range documents {
			if d.Role == role {
				return d.SHA256
			}
		}
		return ""
	}
	document, seal := find("invoice"), find("seal")
	if document == "" || seal == "" {
		return Seal{}, gateway.ErrNotFound
	}
	content, err := w.Blobs.Get(ctx, tenant, document)
	if err != nil {
		return Seal{}, err
	}
	signature, err := w.Blobs.Get(ctx, tenant, seal)
	if err != nil {
		return Seal{}, err
	}
	return w.VerifySeal(ctx, content, signature)
}
