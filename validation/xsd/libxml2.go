package xsd

/*
#cgo pkg-config: libxml-2.0
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	libxsd "github.com/lestrrat-go/libxml2/xsd"

	"facteur.dev/facteur/schemas"
)

// MaxFindings is how many findings are told about one document.
const MaxFindings = 1000

// setup prepares libxml2 once, and parsing keeps schemas from being parsed at
// the same time, for which libxml2 is not made.
var (
	setup   = sync.OnceFunc(func() { C.fx_init() })
	parsing sync.Mutex
)

// parsed is a schema in libxml2's memory, freed when the last hold ends.
type parsed struct {
	schema *libxsd.Schema
	holds  atomic.Int64
}

func (p *parsed) hold() *parsed {
	p.holds.Add(1)
	return p
}

func (p *parsed) release() {
	if p != nil && p.holds.Add(-1) == 0 {
		p.schema.Free()
	}
}

// parse reads a schema; the caller holds the result.
func parse(documents []schemas.Import) (*parsed, error) {
	if len(documents) == 0 {
		return nil, errors.New("no schema document is named")
	}
	setup()
	parsing.Lock()
	defer parsing.Unlock()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	C.fx_capture()
	schema, err := parseImports(documents)
	reason := C.GoString(C.fx_captured())
	if err != nil {
		if reason != "" {
			err = errors.New(reason)
		}
		return nil, err
	}
	p := &parsed{schema: schema}
	return p.hold(), nil
}

func parseImports(imports []schemas.Import) (*libxsd.Schema, error) {
	if len(imports) == 1 {
		return libxsd.ParseFromFile(imports[0].Path)
	}
	driver, err := driver(imports)
	if err != nil {
		return nil, err
	}
	return libxsd.Parse(driver, libxsd.WithPath(filepath.Join(filepath.Dir(imports[0].Path), "driver.xsd")))
}

// driver writes a schema that imports others by their place. Schemas that
// import each other without one then find their components.
func driver(imports []schemas.Import) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">`)
	for _, i := range imports {
		if !filepath.IsAbs(i.Path) {
			return nil, fmt.Errorf("the path %q is not absolute", i.Path)
		}
		b.WriteString(`<xs:import namespace="`)
		_ = xml.EscapeText(&b, []byte(i.Namespace))
		b.WriteString(`" schemaLocation="`)
		_ = xml.EscapeText(&b, []byte((&url.URL{Scheme: "file", Path: filepath.ToSlash(i.Path)}).String()))
		b.WriteString(`"/>`)
	}
	b.WriteString(`</xs:schema>`)
	return b.Bytes(), nil
}

// complaint is one error of libxml2.
type complaint struct {
	domain, code int
	element      int // number in document order, from 1; 0 = none
	message      string
}

// complaints are the errors of one document.
type complaints struct {
	list []complaint
	more bool // the rest was not looked for
}

// validate streams UTF-8 text through the schema. An error means that there is
// no answer: ctx ended, or libxml2 failed.
func (p *parsed) validate(ctx context.Context, text []byte) (complaints, error) {
	if err := ctx.Err(); err != nil {
		return complaints{}, err
	}
	text = bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))
	if len(text) == 0 || len(text) > math.MaxInt32 {
		return complaints{}, fmt.Errorf("a document of %d bytes", len(text))
	}
	var cancel int32
	stop := context.AfterFunc(ctx, func() { atomic.StoreInt32(&cancel, 1) })
	defer stop()

	var r C.fx_result
	status := C.fx_validate(C.uintptr_t(p.schema.Pointer()),
		(*C.char)(unsafe.Pointer(&text[0])), C.int(len(text)), MaxFindings, (*C.int)(unsafe.Pointer(&cancel)), &r)
	defer C.fx_free(&r)
	switch status {
	case C.FX_DONE:
		return collect(&r), nil
	case C.FX_CANCELLED:
		return complaints{}, ctx.Err()
	default:
		return complaints{}, errors.New("libxml2 failed, or ran out of memory")
	}
}

func collect(r *C.fx_result) complaints {
	out := complaints{more: r.more != 0}
	for _, c := range unsafe.Slice(r.complaints, int(r.count)) {
		out.list = append(out.list, complaint{
			domain: int(c.domain), code: int(c.code), element: int(c.element), message: C.GoString(&c.message[0]),
		})
	}
	return out
}
