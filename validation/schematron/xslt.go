package schematron

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/lestrrat-go/helium"
	"github.com/lestrrat-go/helium/xslt3"

	"facteur.dev/facteur/validation"
)

// XSLT is the engine that runs the publishers' XSLT as it is, with the XSLT
// processor of github.com/lestrrat-go/helium. It reads no file and no network
// beyond Rules.Read.
type XSLT struct{}

const (
	spaceXSI = "http://www.w3.org/2001/XMLSchema-instance"
	// base is where the processor believes the rules to be, so that what they
	// look up by a relative name comes to Rules.Read.
	base = "rules:///"
	// maxSVRL bounds a report; that of an ordinary invoice has 50 kB.
	maxSVRL = 100 << 20
)

// Compile reads and compiles the stylesheet.
func (XSLT) Compile(ctx context.Context, rules Rules) (Program, error) {
	doc, err := helium.NewParser().BaseURI(base+"rules.xslt").MaxNodeContentSize(-1).Parse(ctx, rules.Text)
	if err != nil {
		return nil, err
	}
	if err := spreadPatterns(doc); err != nil {
		return nil, err
	}
	files := beside{read: rules.Read}
	sheet, err := xslt3.NewCompiler().BaseURI(base+"rules.xslt").URIResolver(files).Compile(ctx, doc)
	if err != nil {
		return nil, err
	}
	return &program{sheet: sheet, files: files}, nil
}

type program struct {
	sheet *xslt3.Stylesheet
	files beside
}

// Run transforms the document and reads the report.
func (p *program) Run(ctx context.Context, doc *validation.Document) ([]Report, error) {
	// Our reader bounded the document; its text is UTF-8 whatever it declares.
	in, err := helium.NewParser().IgnoreEncoding(true).MaxNodeContentSize(-1).Parse(ctx, doc.Text())
	if err != nil {
		return nil, fmt.Errorf("the document: %w", err)
	}
	// The processor would load the schemas that a document names, and stops
	// when it cannot.
	if root := in.DocumentElement(); root != nil {
		root.RemoveAttributeNS("schemaLocation", spaceXSI)
		root.RemoveAttributeNS("noNamespaceSchemaLocation", spaceXSI)
	}
	out := &limitedBuffer{left: maxSVRL}
	if err := p.sheet.Transform(in).URIResolver(p.files).WriteTo(ctx, out); err != nil {
		if errors.Is(err, errTooLong) || ctx.Err() != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", ErrDynamic, err)
	}
	return readSVRL(out.text.Bytes())
}

// beside resolves what the rules look up to files beside them.
type beside struct {
	read func(name string) ([]byte, error)
}

// Resolve implements xslt3.URIResolver.
func (b beside) Resolve(uri string) (io.ReadCloser, error) {
	name := path.Base(uri)
	if b.read == nil || name == "" || name == "." || name == "/" {
		return nil, fs.ErrNotExist
	}
	text, err := b.read(name)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(text)), nil
}

// ResolveURI is Resolve for the processor's XPath functions.
func (b beside) ResolveURI(uri string) (io.ReadCloser, error) { return b.Resolve(uri) }

var errTooLong = errors.New("the report of the rules is too long")

// limitedBuffer has no other way in than Write.
type limitedBuffer struct {
	text bytes.Buffer
	left int
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if len(p) > b.left {
		return 0, errTooLong
	}
	b.left -= len(p)
	return b.text.Write(p)
}
