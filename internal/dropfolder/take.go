package dropfolder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime/debug"
	"strings"
	"syscall"
	"unicode"

	"facteur.dev/facteur/formats/order"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/intake"
)

// actor is who submits, as events name it.
var actor = gateway.Actor{Kind: "system", ID: "drop_folder"}

// errChanging says that a document was written to while it was read.
var errChanging = errors.New("the document changed while it was read")

// take takes one document of a work folder: it submits it, writes its result and
// files it. An error leaves it where it is.
func (f *Folder) take(ctx context.Context, dir *os.Root, tenant gateway.TenantID, claim, name string) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	r := Result{Name: clean(name), Documents: []Document{}, Problems: []Problem{}}
	content, err := f.read(dir, path.Join(claim, name), &r)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another instance filed it
	}
	if err != nil {
		return err
	}
	if len(r.Problems) == 0 {
		if err := f.submit(ctx, tenant, name, content, &r); err != nil {
			return err
		}
	}
	f.probe("drop.submitted")
	r.SettledAt = f.Clock.Now()
	r.settle()
	if err := f.file(dir, claim, name, r); err != nil {
		return err
	}
	f.Log.InfoContext(ctx, "document of the drop folder settled", "tenant", tenant, "name", r.Name, "outcome", r.Outcome, "documents", len(r.Documents))
	return nil
}

// read gives the bytes of a document. What is no document, or too large, is a
// problem of the result.
func (f *Folder) read(dir *os.Root, file string, r *Result) ([]byte, error) {
	before, err := dir.Lstat(file)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		r.problem(Problem{Code: "drop.special", Message: "this is a link, a pipe or a device, and no document"})
		return nil, nil
	}
	// Not to wait for a writer, should it have become a pipe just now.
	in, err := dir.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) {
		r.problem(Problem{Code: "drop.permission", Message: "the gateway's user may not read the document"})
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	opened, err := in.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(before, opened) {
		return nil, errChanging
	}
	limit := min(f.MaxSize, intake.MaxSize)
	r.Size = opened.Size()
	if r.Size > limit {
		r.problem(Problem{Code: "drop.too_large", Message: fmt.Sprintf("the document has %d bytes; at most %d are taken", r.Size, limit)})
		return nil, nil
	}
	content, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, err
	}
	after, err := in.Stat()
	if err != nil {
		return nil, err
	}
	if int64(len(content)) != r.Size || after.Size() != r.Size || !after.ModTime().Equal(opened.ModTime()) {
		return nil, errChanging
	}
	sum := sha256.Sum256(content)
	r.SHA256 = hex.EncodeToString(sum[:])
	return content, nil
}

// submit reads a document and hands it to the gateway. What is wrong with it is
// a problem of the result; the error is the gateway's own failure.
func (f *Folder) submit(ctx context.Context, tenant gateway.TenantID, name string, content []byte, r *Result) error {
	media := intake.MediaType("", name, content)
	kind, err := kindOf(media, content)
	if err != nil {
		return r.refuse(err, 0)
	}
	r.Kind = kind
	s := outbound.Submission{Key: key(name, content), Actor: actor, Source: content, SourceType: media, Filename: r.Name}
	switch kind {
	case intake.KindInvoice:
		inv, err := intake.Invoice(media, content)
		if err != nil {
			return r.refuse(err, 0)
		}
		external := strings.TrimSuffix(r.Name, path.Ext(r.Name))
		answer, err := f.Intake.SubmitInvoice(ctx, tenant, s, external, inv)
		if err != nil {
			return r.refuse(err, 0)
		}
		r.Documents = append(r.Documents, Document{ID: answer.Ref, Number: inv.Number, ExternalID: external})
	case intake.KindOrder:
		orders, err := intake.Orders(media, content)
		if err != nil {
			return r.refuse(err, 0)
		}
		return f.submitOrders(ctx, tenant, s, orders, r)
	default:
		r.problem(Problem{Code: "drop.kind", Message: "delivery notes are not taken here: send them to POST /v1/orders/{id}/deliveries"})
	}
	return nil
}

// kindOf tells what a document is.
func kindOf(media string, content []byte) (intake.Kind, error) {
	if len(bytes.TrimSpace(content)) == 0 {
		return "", &intake.Error{Code: "intake.unreadable", Message: "the document is empty"}
	}
	return intake.KindOf(media, content)
}

// submitOrders submits the orders of a document one by one, those of a table
// each under a key of its own.
func (f *Folder) submitOrders(ctx context.Context, tenant gateway.TenantID, s outbound.Submission, orders []*order.Order, r *Result) error {
	base := s.Key
	for i, o := range orders {
		if len(orders) > 1 {
			s.Key = fmt.Sprintf("%s#%d", base, i+1)
		}
		answer, err := f.Intake.SubmitOrder(ctx, tenant, s, o)
		if err != nil {
			if err := r.refuse(err, i+1); err != nil {
				return err
			}
			continue
		}
		r.Documents = append(r.Documents, Document{ID: answer.Ref, Number: o.Number, ExternalID: o.ExternalID})
	}
	return nil
}

// key is the idempotency key of a document: the same name with the same content
// is the same document, however often it comes.
func key(name string, content []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s", len(name), name)
	h.Write(content)
	return "drop:" + hex.EncodeToString(h.Sum(nil))
}

// clean makes a name harmless to show and to keep: valid UTF-8 without control
// characters.
func clean(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
}
