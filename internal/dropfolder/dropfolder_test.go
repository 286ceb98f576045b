package dropfolder

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"facteur.dev/facteur/formats/ubl"
	"facteur.dev/facteur/internal/gateway"
	"facteur.dev/facteur/internal/gateway/outbound"
	"facteur.dev/facteur/internal/intake"
	"facteur.dev/facteur/internal/store/sqlite"
	"facteur.dev/facteur/internal/store/sqlstore"
)

const acme = gateway.TenantID("acme")

// world is a drop folder over a real store, with a clock that stands still.
type world struct {
	*testing.T
	dir   string
	store gateway.Store
	blobs *memory
	clock *stopped
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "facteur.db"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlstore.Open(t.Context(), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w := &world{T: t, dir: t.TempDir(), store: store, blobs: &memory{content: map[string][]byte{}}, clock: &stopped{now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}}
	w.tenant(acme)
	return w
}

func (w *world) tenant(id gateway.TenantID) {
	w.Helper()
	if err := w.store.System().CreateTenant(w.Context(), gateway.Tenant{ID: id, Name: string(id), Mode: gateway.ModeTest, Language: "en", TimeZone: "UTC", CreatedAt: w.clock.now}); err != nil {
		w.Fatal(err)
	}
}

// folder is a drop folder as a process that just started has it.
func (w *world) folder() *Folder {
	ids := gateway.NewIDs(w.clock, rand.Reader)
	return &Folder{
		Dir: w.dir, Store: w.store, Clock: w.clock, Every: time.Second, MaxSize: 64 << 10, Log: slog.New(slog.DiscardHandler),
		Intake: &outbound.Intake{Store: w.store, Blobs: w.blobs, Clock: w.clock, IDs: ids},
	}
}

// sweep lets documents lie and takes them.
func (w *world) sweep(f *Folder) {
	w.Helper()
	for range 2 {
		for more := true; more; {
			var err error
			if more, err = f.Sweep(w.Context()); err != nil {
				w.Fatal(err)
			}
		}
		w.clock.advance(time.Second)
	}
	for range 2 { // and what was tried in vain
		if _, err := f.Sweep(w.Context()); err != nil {
			w.Fatal(err)
		}
		w.clock.advance(longestPause)
	}
}

func (w *world) path(parts ...string) string {
	return filepath.Join(append([]string{w.dir, string(acme)}, parts...)...)
}

func (w *world) drop(name string, content []byte) {
	w.Helper()
	if err := os.MkdirAll(w.path(inDir), 0o700); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(w.path(inDir, name), content, 0o600); err != nil {
		w.Fatal(err)
	}
}

// names lists a folder.
func (w *world) names(folder string) []string {
	w.Helper()
	entries, err := os.ReadDir(w.path(folder))
	if err != nil {
		w.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// result reads a result and checks that the document lies beside it.
func (w *world) result(folder, name string) Result {
	w.Helper()
	data, err := os.ReadFile(w.path(folder, name+resultSuffix))
	if err != nil {
		w.Fatal(err)
	}
	var r Result
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		w.Fatal(err)
	}
	if _, err := os.Lstat(w.path(folder, name)); err != nil {
		w.Error(err)
	}
	return r
}

// empty checks that nothing waits and nothing is half done.
func (w *world) empty() {
	w.Helper()
	for _, folder := range []string{inDir, workDir} {
		if names := w.names(folder); len(names) > 0 {
			w.Errorf("%s holds %q", folder, names)
		}
	}
	for _, folder := range []string{acceptedDir, rejectedDir} {
		for _, name := range w.names(folder) {
			if strings.HasPrefix(name, ".") {
				w.Errorf("%s holds %q", folder, name)
			}
		}
	}
}

func (w *world) orders(tenant gateway.TenantID) (numbers []string) {
	w.Helper()
	w.read(tenant, func(r gateway.Reader) error {
		list, err := r.Orders(w.Context(), gateway.OrderFilter{}, gateway.Page{Limit: 500})
		for _, o := range list.Items {
			numbers = append(numbers, o.Number)
		}
		slices.Sort(numbers)
		return err
	})
	return numbers
}

func (w *world) read(tenant gateway.TenantID, fn func(r gateway.Reader) error) {
	w.Helper()
	if err := w.store.For(tenant).Read(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}

// codes lists the problems of a result.
func codes(r Result) (list []string) {
	for _, p := range r.Problems {
		list = append(list, p.Code)
	}
	return list
}

type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time          { return c.now }
func (c *stopped) advance(d time.Duration) { c.now = c.now.Add(d) }

// memory keeps blobs, and fails when it is told to.
type memory struct {
	mu      sync.Mutex
	content map[string][]byte
	failing error
}

func (m *memory) Put(_ context.Context, tenant gateway.TenantID, data []byte) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failing != nil {
		return "", m.failing
	}
	sum := sha256.Sum256(data)
	name := hex.EncodeToString(sum[:])
	m.content[string(tenant)+"/"+name] = bytes.Clone(data)
	return name, nil
}

func (m *memory) Get(_ context.Context, tenant gateway.TenantID, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if data, ok := m.content[string(tenant)+"/"+name]; ok {
		return bytes.Clone(data), nil
	}
	return nil, gateway.ErrNotFound
}

func (m *memory) Open(context.Context, gateway.TenantID, string) (io.ReadCloser, int64, error) {
	return nil, 0, errors.ErrUnsupported
}

func testFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// orderJSON is a small order.
func orderJSON(number string) []byte {
	return []byte(`{"number":"` + number + `","currency":"EUR","buyer":{"name":"Épicerie"},"lines":[{"id":"1","item":{"name":"Lampe"},"quantity":2,"price":{"net":"10.00"}}]}`)
}

// workbook is a table of two orders.
func workbook(t *testing.T) []byte {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for i, row := range [][]any{
		{"Order number", "Currency", "Customer number", "Line", "Item number", "Quantity", "Unit price"},
		{"X-1", "EUR", "C-1001", "1", "LAM-100", 2, 89.9},
		{"X-2", "EUR", "C-1001", "1", "LAM-200", 1, 200},
	} {
		if err := book.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := book.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTakesWhatItUnderstands(t *testing.T) {
	w := newWorld(t)
	model, err := intake.Invoice(intake.JSON, testFile(t, "formats/invoice/testdata/goods.json"))
	if err != nil {
		t.Fatal(err)
	}
	model.Number += "-UBL"
	inUBL, err := ubl.Write(model)
	if err != nil {
		t.Fatal(err)
	}
	documents := map[string][]byte{
		"order.json": testFile(t, "testdata/orders/01-goods.order.json"), "order.xml": testFile(t, "testdata/orders/05-brewery.order.xml"),
		"invoice.json": testFile(t, "formats/invoice/testdata/services.json"), "facture n° 42 – été.xml": inUBL,
		"Vente E\u0301te\u0301.csv": []byte("Order number,Currency,Customer number,Line,Item number,Quantity,Unit price\nA-1,EUR,C-1001,1,LAM-100,2,89.90\nA-2,EUR,C-1001,1,LAM-200,1,200\n"),
		"no extension":              orderJSON("B-1"), "table.xlsx": workbook(t),
	}
	for name, content := range documents {
		w.drop(name, content)
	}
	w.sweep(w.folder())
	w.empty()
	if got := w.names(rejectedDir); len(got) > 0 {
		t.Fatalf("rejected: %q, %+v", got, w.result(rejectedDir, strings.TrimSuffix(got[0], resultSuffix)))
	}
	total := 0
	for name, content := range documents {
		r := w.result(acceptedDir, name)
		sum := sha256.Sum256(content)
		if r.Outcome != Accepted || r.Name != name || r.SHA256 != hex.EncodeToString(sum[:]) || r.Size != int64(len(content)) || len(r.Problems) != 0 || r.SettledAt.IsZero() {
			t.Errorf("%s: %+v", name, r)
		}
		if kept, err := os.ReadFile(w.path(acceptedDir, name)); err != nil || !bytes.Equal(kept, content) {
			t.Errorf("%s is not what was dropped: %v", name, err)
		}
		if kept, err := w.blobs.Get(t.Context(), acme, r.SHA256); err != nil || !bytes.Equal(kept, content) {
			t.Errorf("%s was not kept: %v", name, err)
		}
		w.read(acme, func(reader gateway.Reader) error {
			for _, d := range r.Documents {
				total++
				if r.Kind == intake.KindOrder {
					if o, err := reader.Order(t.Context(), d.ID); err != nil || o.Number != d.Number || o.ExternalID != d.ExternalID || o.SourceSHA256 != r.SHA256 {
						t.Errorf("%s: order %+v, %v", name, o, err)
					}
					continue
				}
				inv, err := reader.Invoice(t.Context(), d.ID)
				if err != nil || inv.Number != d.Number || inv.ExternalID != strings.TrimSuffix(name, filepath.Ext(name)) || !inv.NumberGiven {
					t.Errorf("%s: invoice %+v, %v", name, inv, err)
				}
				events, err := reader.Timeline(t.Context(), gateway.EventFilter{InvoiceID: d.ID})
				if err != nil || len(events) != 1 || events[0].Actor != actor || events[0].ExternalID != inv.ExternalID {
					t.Errorf("%s: events %+v, %v", name, events, err)
				}
			}
			return nil
		})
	}
	if total != len(documents)+2 { // two orders in each table
		t.Errorf("%d documents", total)
	}
}

func TestRejectsWithTheReason(t *testing.T) {
	w := newWorld(t)
	wrong := bytes.Replace(testFile(t, "formats/invoice/testdata/services.json"), []byte(`"amount_due": "`), []byte(`"amount_due": "9`), 1)
	for name, test := range map[string]struct {
		content []byte
		codes   []string
	}{
		"empty.json":   {nil, []string{"intake.unreadable"}},
		"blank.xml":    {[]byte(" \n"), []string{"intake.unreadable"}},
		"cut.xml":      {[]byte("<Invoice"), []string{"intake.unreadable"}},
		"dtd.xml":      {[]byte(`<!DOCTYPE a [<!ENTITY b "c">]><Order>&b;</Order>`), []string{"intake.unreadable"}},
		"what.xml":     {[]byte("<Letter/>"), []string{"intake.kind"}},
		"letter.txt":   {[]byte("Dear Sir"), []string{"intake.media_type"}},
		"scan.pdf":     {[]byte("%PDF-1.7"), []string{"intake.media_type"}},
		"unknown.json": {[]byte(`{"number":"1","currency":"EUR","colour":"red","lines":[]}`), []string{"intake.invalid", "field.unknown", "list.length"}},
		"column.csv":   {[]byte("Order number,Colour\n1,red\n"), []string{"intake.invalid"}},
		"note.json":    {testFile(t, "testdata/orders/04-partial.delivery-1.json"), []string{"drop.kind"}},
		"note.xml":     {testFile(t, "testdata/orders/05-brewery.delivery.xml"), []string{"drop.kind"}},
		"large.json":   {bytes.Repeat([]byte(" "), 64<<10+1), []string{"drop.too_large"}},
		"totals.json":  {wrong, []string{"invalid", "totals.BR-CO-16"}},
	} {
		w.drop(name, test.content)
		w.sweep(w.folder())
		r := w.result(rejectedDir, name)
		if got := codes(r); r.Outcome != Rejected || len(got) < len(test.codes) || !slices.Equal(got[:len(test.codes)], test.codes) || len(r.Documents) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
		for _, p := range r.Problems {
			if p.Message == "" || p.Order > 1 {
				t.Errorf("%s: %+v", name, p)
			}
		}
		if kept, err := os.ReadFile(w.path(rejectedDir, name)); err != nil || !bytes.Equal(kept, test.content) {
			t.Errorf("%s is not what was dropped: %v", name, err)
		}
	}
	w.empty()
	if got := w.names(acceptedDir); len(got) > 0 {
		t.Errorf("accepted: %q", got)
	}
	if got := w.orders(acme); len(got) > 0 {
		t.Errorf("there are orders %v", got)
	}
}

// A document is left alone while its writer is at it.
func TestWaitsForTheWriter(t *testing.T) {
	w := newWorld(t)
	f := w.folder()
	for _, name := range []string{".hidden.json", "later.json.part", "LATER.PART"} {
		w.drop(name, orderJSON("X"))
	}
	if err := os.MkdirAll(w.path(inDir, "a folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.drop("a folder/inside.json", orderJSON("X"))
	whole := orderJSON("1")
	for n := 1; n <= len(whole); n += len(whole) / 5 { // as slowly as the sweeps come
		w.drop("slow.json", whole[:n])
		if _, err := f.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(time.Second)
	}
	w.drop("slow.json", whole)
	if got := w.names(inDir); !slices.Contains(got, "slow.json") {
		t.Fatalf("in holds %q", got)
	}
	// Two sweeps right after the other are not enough.
	for range 3 {
		if _, err := f.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.orders(acme); len(got) > 0 {
		t.Fatalf("orders %v", got)
	}
	w.sweep(f)
	if got := w.names(inDir); !slices.Equal(got, []string{".hidden.json", "LATER.PART", "a folder", "later.json.part"}) {
		t.Errorf("in holds %q", got)
	}
	if got := w.orders(acme); !slices.Equal(got, []string{"1"}) {
		t.Errorf("orders %v", got)
	}
	// The renamed file is taken like any other.
	if err := os.Rename(w.path(inDir, "later.json.part"), w.path(inDir, "later.json")); err != nil {
		t.Fatal(err)
	}
	w.sweep(f)
	if got := w.orders(acme); !slices.Equal(got, []string{"1", "X"}) {
		t.Errorf("orders %v", got)
	}
}

// The same document dropped again is the same submission; under another name it
// is a duplicate; another document under the same name is filed beside it.
func TestRepeatedDocuments(t *testing.T) {
	w := newWorld(t)
	f := w.folder()
	w.drop("order.json", orderJSON("1"))
	w.sweep(f)
	first := w.result(acceptedDir, "order.json")
	w.drop("order.json", orderJSON("1"))
	w.sweep(f)
	if again := w.result(acceptedDir, "order.json"); again.Documents[0].ID != first.Documents[0].ID || len(w.names(acceptedDir)) != 2 {
		t.Errorf("again %+v, first %+v, files %q", again, first, w.names(acceptedDir))
	}
	w.drop("copy.json", orderJSON("1"))
	w.sweep(f)
	if r := w.result(rejectedDir, "copy.json"); len(r.Problems) != 1 || r.Problems[0].Code != "duplicate" || r.Problems[0].See != first.Documents[0].ID {
		t.Errorf("%+v", r)
	}
	w.drop("order.json", orderJSON("2"))
	w.sweep(f)
	sum := sha256.Sum256(orderJSON("2"))
	if r := w.result(acceptedDir, "order~"+hex.EncodeToString(sum[:])[:12]+".json"); r.Name != "order.json" || r.Documents[0].Number != "2" {
		t.Errorf("%+v", r)
	}
	if kept, err := os.ReadFile(w.path(acceptedDir, "order.json")); err != nil || !bytes.Equal(kept, orderJSON("1")) {
		t.Errorf("the first document was changed: %v", err)
	}
	if got := w.orders(acme); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("orders %v", got)
	}
	// A table of which one order is known.
	w.drop("table.csv", []byte("Order number,Currency,Customer name,Line,Item name,Quantity,Unit price\n2,EUR,Épicerie,1,Lampe,2,10.00\n3,EUR,Épicerie,1,Lampe,2,10.00\n"))
	w.sweep(f)
	if r := w.result(rejectedDir, "table.csv"); r.Outcome != Partly || len(r.Documents) != 1 || r.Documents[0].Number != "3" || len(r.Problems) != 1 || r.Problems[0].Order != 1 {
		t.Errorf("%+v", r)
	}
	w.empty()
}

// What is no plain file is never opened, and links lead nowhere.
func TestHostileFiles(t *testing.T) {
	w := newWorld(t)
	w.tenant("other")
	f := w.folder()
	secret := filepath.Join(t.TempDir(), "secret.json")
	if err := os.WriteFile(secret, orderJSON("SECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.sweep(f)
	for name, target := range map[string]string{"link.json": secret, "loop.json": "loop.json", "passwd": "/etc/passwd", "inside.json": "../accepted"} {
		if err := os.Symlink(target, w.path(inDir, name)); err != nil {
			t.Fatal(err)
		}
	}
	special := []string{"link.json", "loop.json", "passwd", "inside.json"}
	if err := makePipe(w.path(inDir, "pipe.json")); err != nil {
		t.Logf("no pipe is tried: %v", err)
	} else {
		special = append(special, "pipe.json")
	}
	w.sweep(f)
	w.empty()
	for _, name := range special {
		if r := w.result(rejectedDir, name); !slices.Equal(codes(r), []string{"drop.special"}) || r.SHA256 != "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	// Twice the same name of what has no content to tell apart.
	if err := os.Symlink(secret, w.path(inDir, "link.json")); err != nil {
		t.Fatal(err)
	}
	w.sweep(f)
	if got := len(w.names(rejectedDir)); got < 10 {
		t.Errorf("%d files in rejected: %q", got, w.names(rejectedDir))
	}
	if got := w.orders(acme); len(got) > 0 {
		t.Errorf("orders %v", got)
	}
	// A tenant that puts a link in the place of its folders gets nowhere, and does
	// not stop another.
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "x.json"), orderJSON("OUTSIDE"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.RemoveAll(w.path(inDir)), os.Symlink(outside, w.path(inDir))); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(w.dir, "other", inDir, "y.json")
	if err := os.WriteFile(other, orderJSON("Y"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := f.Sweep(t.Context()); err == nil {
			t.Error("nobody hears of the link")
		}
		w.clock.advance(time.Second)
	}
	if acmes, others := w.orders(acme), w.orders("other"); len(acmes) > 0 || !slices.Equal(others, []string{"Y"}) {
		t.Errorf("orders %v and %v", acmes, others)
	}
	if _, err := os.Stat(filepath.Join(outside, "x.json")); err != nil {
		t.Error(err)
	}
	// Nor does one whose folder leads to another's.
	if err := errors.Join(os.RemoveAll(w.path()), os.Symlink("other", w.path())); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Sweep(t.Context()); err == nil {
		t.Error("a folder that is a link was followed")
	}
}

func TestNames(t *testing.T) {
	w := newWorld(t)
	f := w.folder()
	long := strings.Repeat("é", 125) + ".json" // 255 bytes
	names := []string{"caf\u00e9.json", "cafe\u0301.json", "a b\tc.json", "line\nbreak.json", "not\xffutf8.json", "~.json", "..json.", "x.json.result.json", "x.json", long, "-rf"}
	var numbers []string
	for i, name := range names {
		number := string(rune('A' + i))
		numbers = append(numbers, number)
		w.drop(name, orderJSON(number))
	}
	names = slices.DeleteFunc(names, func(s string) bool { return strings.HasPrefix(s, ".") })
	w.sweep(f)
	numbers = slices.DeleteFunc(numbers, func(s string) bool { return s == "G" }) // "..json." is hidden
	if got := w.orders(acme); !slices.Equal(got, numbers) {
		t.Errorf("orders %v, want %v", got, numbers)
	}
	results := map[string]Result{}
	for _, name := range w.names(acceptedDir) {
		data, err := os.ReadFile(w.path(acceptedDir, name))
		if err != nil {
			t.Fatal(err)
		}
		var r Result
		if err := json.Unmarshal(data, &r); err == nil && r.Outcome != "" {
			results[r.Documents[0].Number] = w.result(acceptedDir, strings.TrimSuffix(name, resultSuffix))
		}
	}
	for i, number := range numbers {
		r, ok := results[number]
		if !ok || len(r.Documents) != 1 || r.Name != clean(r.Name) {
			t.Errorf("%q: %+v", names[i], r)
		}
	}
	if len(results) != len(numbers) {
		t.Errorf("%d results for %d orders: %q", len(results), len(numbers), w.names(acceptedDir))
	}
}

// A name with its hash fits every file system and stays in its folder.
func TestHashedNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-zé~. \xff-]{1,255}`).Filter(func(s string) bool { return len(s) <= maxFileName }).Draw(t, "name")
		r := Result{Claim: strings.Repeat("c", 24), SHA256: rapid.SampledFrom([]string{"", strings.Repeat("ab", 32)}).Draw(t, "hash")}
		got := hashed(name, r)
		if len(got)+len(resultSuffix) > maxFileName || got == name || strings.Contains(got, "/") || !strings.Contains(got, "~") {
			t.Errorf("%q became %q", name, got)
		}
		if ext := filepath.Ext(name); len(ext) <= 16 && !strings.HasSuffix(got, ext) {
			t.Errorf("%q lost its extension: %q", name, got)
		}
	})
}

// A failure of the gateway's own leaves documents where they are.
func TestTriesAgain(t *testing.T) {
	w := newWorld(t)
	f := w.folder()
	w.blobs.failing = errors.New("the disk is full")
	w.drop("order.json", orderJSON("1"))
	w.sweep(f)
	if len(w.names(acceptedDir)) != 0 || len(w.names(rejectedDir)) != 0 {
		t.Fatalf("settled: %q %q", w.names(acceptedDir), w.names(rejectedDir))
	}
	// A document of the same name that comes meanwhile waits for nobody.
	w.drop("order.json", orderJSON("2"))
	w.sweep(f)
	w.blobs.failing = nil
	w.sweep(f)
	w.empty()
	if got := w.orders(acme); !slices.Equal(got, []string{"1", "2"}) || len(w.names(acceptedDir)) != 4 {
		t.Errorf("orders %v, files %q", got, w.names(acceptedDir))
	}
	w.blobs.failing = gateway.ErrUnavailable
	w.drop("late.json", orderJSON("3"))
	w.sweep(f)
	w.blobs.failing = nil
	w.sweep(w.folder()) // and the gateway was restarted meanwhile
	w.empty()
	if got := w.orders(acme); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("orders %v", got)
	}
}

// A heap of one tenant is taken in portions.
func TestHeap(t *testing.T) {
	w := newWorld(t)
	f := w.folder()
	for i := range batch + 5 {
		w.drop(strings.Repeat("x", i+1)+".json", orderJSON(strings.Repeat("x", i+1)))
	}
	for i, want := range []bool{false, true, false} {
		more, err := f.Sweep(t.Context())
		if err != nil || more != want {
			t.Errorf("sweep %d: more %v, %v", i, more, err)
		}
		w.clock.advance(time.Second)
	}
	if got := len(w.orders(acme)); got != batch+5 {
		t.Errorf("%d orders", got)
	}
}

func TestRun(t *testing.T) {
	w := newWorld(t)
	f := w.folder()
	f.Every, f.Clock = 5*time.Millisecond, gateway.SystemClock{}
	w.drop("order.json", orderJSON("1"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { f.Run(ctx); close(done) }()
	for range 1000 {
		if _, err := os.Stat(w.path(acceptedDir, "order.json")); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	<-done
	if r := w.result(acceptedDir, "order.json"); r.Outcome != Accepted {
		t.Errorf("%+v", r)
	}
}
