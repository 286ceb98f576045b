package response_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"facteur.dev/facteur/network/response"
)

// seeds are our own documents and damaged ones.
func seeds(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) < 2 {
		f.Fatalf("%d seeds, %v", len(files), err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Add([]byte(`<ApplicationResponse xmlns="urn:oasis:names:specification:ubl:schema:xsd:ApplicationResponse-2"/>`))
}

// What can be read and written again comes back as the same value.
func FuzzReadInvoice(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := response.ReadInvoice(b)
		if err != nil {
			return
		}
		if c := response.Customization(b); c != response.InvoiceCustomization {
			t.Fatalf("read although the customization is %q", c)
		}
		written, err := response.WriteInvoice(first)
		if err != nil {
			return // read, but not a response that we would send
		}
		second, err := response.ReadInvoice(written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if diff := cmp.Diff(normal(first), normal(second), dates); diff != "" {
			t.Fatalf("(-first +second):\n%s", diff)
		}
	})
}

func FuzzReadMessage(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := response.ReadMessage(b)
		if err != nil {
			return
		}
		if c := response.Customization(b); c != response.MessageCustomization {
			t.Fatalf("read although the customization is %q", c)
		}
		written, err := response.WriteMessage(first)
		if err != nil {
			return
		}
		second, err := response.ReadMessage(written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		first.IssuedAt = second.IssuedAt
		if diff := cmp.Diff(first, second); diff != "" {
			t.Fatalf("(-first +second):\n%s", diff)
		}
	})
}

// normal leaves out what the writer does: fractions of a second, schemes of
// identifiers that are not there, and lists without a code.
func normal(r response.Invoice) response.Invoice {
	r.IssuedAt = r.IssuedAt.Truncate(1e9)
	if r.Sender.ID.Value == "" {
		r.Sender.ID.Scheme = ""
	}
	if r.Receiver.ID.Value == "" {
		r.Receiver.ID.Scheme = ""
	}
	return r
}
