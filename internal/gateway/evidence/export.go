package evidence

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"
)

// Format is the value of "format" in the first line of an export, by which
// the file is recognised.
//
// An export is text: one canonical JSON object per line. The first line is a
// header with the key, the signed root and a signed statement of what the
// export contains; then come the earlier roots with proofs that the log grew
// from them, and then the leaves in order, each with its proof of inclusion and
// the personal fields that have not been erased.
const Format = "facteur-evidence/1"

const (
	maxLine      = 4 << 20
	maxStatement = 1 << 20
)

// Opening shows a personal field: with it the commitment can be made again.
type Opening struct {
	Salt  []byte
	Value string
}

// Source is a log that can be exported.
type Source interface {
	HashReader
	// ReadLeaf returns the canonical bytes of a leaf and the openings of its
	// personal fields that have not been erased.
	ReadLeaf(ctx context.Context, seq int64) ([]byte, map[string]Opening, error)
}

// Range is a run of leaves, both ends included.
type Range struct{ First, Last int64 }

// Exporter writes exports of the logs that its key signs.
type Exporter struct {
	Signer *Signer
	Now    func() time.Time
}

// Export writes the leaves of the ranges (in order, not overlapping) of the
// log whose signed root is given, and for each earlier root a proof that the
// log has only grown since.
func (x Exporter) Export(ctx context.Context, w io.Writer, log Source, signed []byte, ranges []Range, earlier ...[]byte) error {
	root, err := OpenRoot(signed, x.Signer.Verifier())
	if err != nil {
		return fmt.Errorf("evidence: root: %w", err)
	}
	before := make([]Root, len(earlier))
	s := statement{Root: root, At: x.Now(), Ranges: ranges}
	for i, signed := range earlier {
		if before[i], err = OpenRoot(signed, x.Signer.Verifier()); err != nil {
			return fmt.Errorf("evidence: earlier root: %w", err)
		}
		s.Earlier = append(s.Earlier, before[i].Size)
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	note, err := x.Signer.sign(s.text())
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	head := headerLine{Format: Format, Key: x.Signer.Verifier().String(), Root: string(signed), Export: string(note)}
	if err := writeLine(out, head); err != nil {
		return err
	}
	for i, signed := range earlier {
		if err := exportGrowth(ctx, out, log, signed, before[i], root); err != nil {
			return err
		}
	}
	for _, r := range ranges {
		for seq := r.First; seq <= r.Last; seq++ {
			if err := exportLeaf(ctx, out, log, root, seq); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}

func exportGrowth(ctx context.Context, w io.Writer, log Source, signed []byte, before, root Root) error {
	proof, err := ProveGrowth(ctx, log, before.Size, root.Size)
	if err != nil {
		return err
	}
	if err := CheckGrowth(proof, before, root); err != nil {
		return fmt.Errorf("evidence: the log has not grown from the root over %d leaves: %w", before.Size, err)
	}
	return writeLine(w, growthLine{Earlier: string(signed), Proof: hexHashes(proof)})
}

func exportLeaf(ctx context.Context, w io.Writer, log Source, root Root, seq int64) error {
	leaf, openings, err := log.ReadLeaf(ctx, seq)
	if err != nil {
		return err
	}
	proof, err := ProveLeaf(ctx, log, root.Size, seq)
	if err != nil {
		return err
	}
	line := leafLine{Leaf: leaf, Proof: hexHashes(proof)}
	for name, o := range openings {
		if line.Personal == nil {
			line.Personal = make(map[string]openingText, len(openings))
		}
		line.Personal[name] = openingText{Salt: hex.EncodeToString(o.Salt), Value: o.Value}
	}
	return writeLine(w, line)
}

// The lines of an export.
type (
	headerLine struct {
		Format string `json:"format"`
		Key    string `json:"key"`
		Root   string `json:"root"`
		Export string `json:"export"` // signed statement
	}
	growthLine struct {
		Earlier string   `json:"earlier"`
		Proof   []string `json:"proof"`
	}
	leafLine struct {
		Leaf     jsontext.Value         `json:"leaf"`
		Personal map[string]openingText `json:"personal,omitempty"`
		Proof    []string               `json:"proof"`
	}
	openingText struct {
		Salt  string `json:"salt"`
		Value string `json:"value"`
	}
)

func writeLine(w io.Writer, line any) error {
	encoded, err := encode(line)
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	_, err = w.Write(append(encoded, '\n'))
	return err
}

func hexHashes(hashes []tlog.Hash) []string {
	texts := make([]string, len(hashes))
	for i, h := range hashes {
		texts[i] = hex.EncodeToString(h[:])
	}
	return texts
}

func parseHashes(texts []string) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		raw, err := parseHex(text)
		if err != nil || len(raw) != tlog.HashSize {
			return nil, errors.New("the proof is not a list of SHA-256 hashes")
		}
		hashes[i] = tlog.Hash(raw)
	}
	return hashes, nil
}

// parseHex reads lower-case hexadecimal, the only spelling there is here.
func parseHex(text string) ([]byte, error) {
	if strings.ToLower(text) != text {
		return nil, errors.New("hexadecimal is written in lower case")
	}
	return hex.DecodeString(text)
}

// statement is what the holder of the key says that an export contains. It is
// signed, so that leaves cannot be left out of a partial export unseen.
type statement struct {
	Root    Root
	At      time.Time
	Ranges  []Range
	Earlier []int64 // sizes of the earlier roots, each larger than the one before
}

func (s statement) text() string {
	return fmt.Sprintf("facteur evidence export\n%s\nsize %d\ntime %s\nleaves %s\nearlier %s\n", s.Root.Origin,
		s.Root.Size, s.At.UTC().Format(time.RFC3339), formatRanges(s.Ranges), formatSizes(s.Earlier))
}

// check tells whether the ranges and the earlier sizes lie in the log, in order.
func (s statement) check() error {
	last := int64(0)
	for _, r := range s.Ranges {
		if r.First <= last || r.Last < r.First || r.Last > s.Root.Size {
			return fmt.Errorf("leaves %s are not a list in order out of %d", formatRanges(s.Ranges), s.Root.Size)
		}
		last = r.Last
	}
	last = -1
	for _, size := range s.Earlier {
		if size <= last || size > s.Root.Size {
			return fmt.Errorf("earlier roots over %s leaves are not a list in order up to %d", formatSizes(s.Earlier), s.Root.Size)
		}
		last = size
	}
	if len(s.text()) > maxStatement {
		return errors.New("too many ranges of leaves")
	}
	return nil
}

// parseStatement reads the signed text; only the one spelling passes.
func parseStatement(text string, root Root) (statement, error) {
	malformed := errors.New("the signed text does not say what this export contains")
	lines := strings.Split(text, "\n")
	if len(lines) != 7 {
		return statement{}, malformed
	}
	at, err := time.Parse(time.RFC3339, strings.TrimPrefix(lines[3], "time "))
	if err != nil {
		return statement{}, malformed
	}
	ranges, err := parseRanges(strings.TrimPrefix(lines[4], "leaves "))
	if err != nil {
		return statement{}, malformed
	}
	earlier, err := parseSizes(strings.TrimPrefix(lines[5], "earlier "))
	if err != nil {
		return statement{}, malformed
	}
	s := statement{Root: root, At: at, Ranges: ranges, Earlier: earlier}
	if s.text() != text {
		return statement{}, malformed
	}
	return s, s.check()
}

func formatRanges(ranges []Range) string {
	if len(ranges) == 0 {
		return "none"
	}
	texts := make([]string, len(ranges))
	for i, r := range ranges {
		texts[i] = strconv.FormatInt(r.First, 10) + "-" + strconv.FormatInt(r.Last, 10)
	}
	return strings.Join(texts, ",")
}

func parseRanges(text string) ([]Range, error) {
	if text == "none" {
		return nil, nil
	}
	var ranges []Range
	for item := range strings.SplitSeq(text, ",") {
		first, last, _ := strings.Cut(item, "-")
		from, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return nil, err
		}
		to, err := strconv.ParseInt(last, 10, 64)
		if err != nil || to == math.MaxInt64 {
			return nil, errors.New("not a range")
		}
		ranges = append(ranges, Range{from, to})
	}
	return ranges, nil
}

func formatSizes(sizes []int64) string {
	if len(sizes) == 0 {
		return "none"
	}
	texts := make([]string, len(sizes))
	for i, size := range sizes {
		texts[i] = strconv.FormatInt(size, 10)
	}
	return strings.Join(texts, ",")
}

func parseSizes(text string) ([]int64, error) {
	if text == "none" {
		return nil, nil
	}
	var sizes []int64
	for item := range strings.SplitSeq(text, ",") {
		size, err := strconv.ParseInt(item, 10, 64)
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}
