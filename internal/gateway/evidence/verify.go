package evidence

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// Check names what Verify looks at. The values are stable API.
type Check string

// Checks, in the order in which a line is looked at.
const (
	CheckFormat    Check = "evidence.format"    // the line is not one of an export
	CheckKey       Check = "evidence.key"       // not the key that was expected
	CheckRoot      Check = "evidence.root"      // the signature of a root
	CheckStatement Check = "evidence.statement" // the signed statement of contents
	CheckGrown     Check = "evidence.growth"    // the log is not the earlier one, grown
	CheckTruncated Check = "evidence.truncated" // the file ends too early
	CheckOrder     Check = "evidence.order"     // a leaf or earlier root is missing, moved or inserted
	CheckInclusion Check = "evidence.inclusion" // the leaf is not the one in the log
	CheckPersonal  Check = "evidence.personal"  // a personal field is not the committed one
)

// Broken is the first place at which an export fails.
type Broken struct {
	Check   Check
	Line    int64  // of the file, from 1
	Leaf    int64  // number of the leaf that is due there; 0 outside the leaves
	EventID string // of the leaf that stands there, if it can be read
	Reason  string
}

func (b *Broken) Error() string {
	var where strings.Builder
	if b.Leaf > 0 {
		fmt.Fprintf(&where, "leaf %d", b.Leaf)
		if b.EventID != "" {
			fmt.Fprintf(&where, " (event %s)", b.EventID)
		}
		where.WriteString(", ")
	}
	return fmt.Sprintf("%sline %d: %s", where.String(), b.Line, b.Reason)
}

// Options say what the verifier knows beforehand.
type Options struct {
	// Key is the key the log must be signed with. Without it the key in the
	// file is believed, and only the file's own consistency is proved.
	Key *Verifier
	// Since is a signed root kept from before: the export must prove that its
	// log has only grown since.
	Since []byte
	// Each, if set, is called for every leaf that passed, in order.
	Each func(VerifiedLeaf)
}

// VerifiedLeaf is a leaf that passed all checks.
type VerifiedLeaf struct {
	Seq      int64
	EventID  string
	Event    []byte            // canonical JSON
	Personal map[string]string // fields shown, proved to be the original ones
	Erased   []string          // names of fields that are not shown any more
}

// Report says what was checked.
type Report struct {
	Key        Verifier
	KeyTrusted bool // Options.Key was given
	Root       Root
	ExportedAt time.Time
	Ranges     []Range
	Leaves     int64  // leaves checked
	Shown      int64  // personal fields checked
	Erased     int64  // personal fields that are erased
	Earlier    []Root // earlier roots from which the log has grown
}

// Verify checks an export. It reads r to its end and nothing else. An error is
// a *Broken, naming the first broken place, unless r itself failed; the report
// then covers what was checked before.
func Verify(r io.Reader, opts Options) (Report, error) {
	v := &verification{in: bufio.NewReaderSize(r, 64<<10), opts: opts}
	err := v.run()
	return v.report, err
}

type verification struct {
	in     *bufio.Reader
	opts   Options
	report Report
	line   int64
}

func (v *verification) run() error {
	earlier, err := v.header()
	if err != nil {
		return err
	}
	for _, size := range earlier {
		if err := v.growth(size); err != nil {
			return err
		}
	}
	if err := v.since(); err != nil {
		return err
	}
	for seq := range numbers(v.report.Ranges) {
		if err := v.leaf(seq); err != nil {
			return err
		}
	}
	_, err = v.next(0)
	switch {
	case err == nil:
		return v.broken(CheckOrder, 0, "", "there is more than the signed statement says")
	case !errors.Is(err, errEnd):
		return err
	}
	return nil
}

// header reads the first line and returns the sizes of the earlier roots that follow.
func (v *verification) header() ([]int64, error) {
	data, err := v.next(0)
	if errors.Is(err, errEnd) {
		return nil, v.broken(CheckTruncated, 0, "", "the file is empty")
	}
	if err != nil {
		return nil, err
	}
	var line headerLine
	if err := decode(data, &line); err != nil {
		return nil, v.broken(CheckFormat, 0, "", "not the header of an export: %v", err)
	}
	if line.Format != Format {
		return nil, v.broken(CheckFormat, 0, "", "format %q, expected %q", line.Format, Format)
	}
	if v.report.Key, err = ParseVerifier(line.Key); err != nil {
		return nil, v.broken(CheckKey, 0, "", "%v", err)
	}
	if v.opts.Key != nil {
		if v.opts.Key.String() != line.Key {
			return nil, v.broken(CheckKey, 0, "", "signed by %s, expected %s", line.Key, v.opts.Key)
		}
		v.report.KeyTrusted = true
	}
	if v.report.Root, err = OpenRoot([]byte(line.Root), v.report.Key); err != nil {
		return nil, v.broken(CheckRoot, 0, "", "root: %v", err)
	}
	text, err := open([]byte(line.Export), v.report.Key)
	if err != nil {
		return nil, v.broken(CheckStatement, 0, "", "statement of contents: %v", err)
	}
	s, err := parseStatement(text, v.report.Root)
	if err != nil {
		return nil, v.broken(CheckStatement, 0, "", "%v", err)
	}
	v.report.ExportedAt, v.report.Ranges = s.At, s.Ranges
	return s.Earlier, nil
}

// growth checks the line where the earlier root over size leaves is due.
func (v *verification) growth(size int64) error {
	data, err := v.next(0)
	if errors.Is(err, errEnd) {
		return v.broken(CheckTruncated, 0, "", "the file ends before the earlier roots")
	}
	if err != nil {
		return err
	}
	var line growthLine
	if err := decode(data, &line); err != nil {
		return v.broken(CheckFormat, 0, "", "not an earlier root: %v", err)
	}
	before, err := OpenRoot([]byte(line.Earlier), v.report.Key)
	if err != nil {
		return v.broken(CheckRoot, 0, "", "earlier root: %v", err)
	}
	if before.Size != size {
		return v.broken(CheckOrder, 0, "", "the earlier root over %d leaves stands where that over %d is due", before.Size, size)
	}
	proof, err := parseHashes(line.Proof)
	if err != nil {
		return v.broken(CheckFormat, 0, "", "%v", err)
	}
	if err := CheckGrowth(proof, before, v.report.Root); err != nil {
		return v.broken(CheckGrown, 0, "", "the log is not the one over %d leaves, grown", before.Size)
	}
	v.report.Earlier = append(v.report.Earlier, before)
	return nil
}

// since compares with the root that the verifier kept.
func (v *verification) since() error {
	if v.opts.Since == nil {
		return nil
	}
	kept, err := OpenRoot(v.opts.Since, v.report.Key)
	if err != nil {
		return v.broken(CheckGrown, 0, "", "the root kept from before: %v", err)
	}
	for _, proved := range slices.Concat(v.report.Earlier, []Root{v.report.Root}) {
		if proved.Origin == kept.Origin && proved.Size == kept.Size && proved.Hash == kept.Hash {
			return nil
		}
	}
	return v.broken(CheckGrown, 0, "", "nothing proves that the log has grown from the root over %d leaves kept from before", kept.Size)
}

// leaf checks the line where leaf seq is due.
func (v *verification) leaf(seq int64) error {
	data, err := v.next(seq)
	if errors.Is(err, errEnd) {
		return v.broken(CheckTruncated, seq, "", "the file ends before this leaf")
	}
	if err != nil {
		return err
	}
	var line leafLine
	if err := decode(data, &line); err != nil {
		return v.broken(CheckFormat, seq, "", "not a leaf: %v", err)
	}
	body, err := parseLeaf(line.Leaf)
	if err != nil {
		return v.broken(CheckFormat, seq, "", "not a leaf: %v", err)
	}
	if body.Seq != seq {
		return v.broken(CheckOrder, seq, body.EventID, "leaf %d stands here", body.Seq)
	}
	proof, err := parseHashes(line.Proof)
	if err != nil {
		return v.broken(CheckFormat, seq, body.EventID, "%v", err)
	}
	if err := CheckLeaf(proof, v.report.Root, seq, line.Leaf); err != nil {
		return v.broken(CheckInclusion, seq, body.EventID, "this is not the leaf (or not its proof) under the signed root")
	}
	verified := VerifiedLeaf{Seq: seq, EventID: body.EventID, Event: body.Event}
	if err := v.personal(&verified, body, line.Personal); err != nil {
		return err
	}
	v.report.Leaves++
	v.report.Shown += int64(len(verified.Personal))
	v.report.Erased += int64(len(verified.Erased))
	if v.opts.Each != nil {
		v.opts.Each(verified)
	}
	return nil
}

// personal checks the fields that are shown against their commitments.
func (v *verification) personal(leaf *VerifiedLeaf, body leafBody, shown map[string]openingText) error {
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		commitment, ok := body.Personal[name]
		if !ok {
			return v.broken(CheckPersonal, leaf.Seq, leaf.EventID, "the leaf knows no personal field %q", name)
		}
		salt, err := parseHex(shown[name].Salt)
		if err != nil || len(salt) != saltSize || Commitment(salt, name, shown[name].Value) != commitment {
			return v.broken(CheckPersonal, leaf.Seq, leaf.EventID, "personal field %q is not the one that was recorded", name)
		}
		if leaf.Personal == nil {
			leaf.Personal = make(map[string]string, len(shown))
		}
		leaf.Personal[name] = shown[name].Value
	}
	for _, name := range slices.Sorted(maps.Keys(body.Personal)) {
		if _, ok := shown[name]; !ok {
			leaf.Erased = append(leaf.Erased, name)
		}
	}
	return nil
}

// errEnd says that the file ended where a line could begin.
var errEnd = errors.New("end of file")

// next reads a line without its line feed; leaf is what is due there.
func (v *verification) next(leaf int64) ([]byte, error) {
	var line []byte
	v.line++
	for {
		part, err := v.in.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return nil, v.broken(CheckFormat, leaf, "", "the line is longer than %d bytes", maxLine)
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(line, []byte("\n")), nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil, errEnd
		case errors.Is(err, io.EOF):
			return nil, v.broken(CheckTruncated, leaf, "", "the file ends in the middle of a line")
		default:
			return nil, fmt.Errorf("evidence: line %d cannot be read: %w", v.line, err)
		}
	}
}

func (v *verification) broken(check Check, leaf int64, event, format string, args ...any) error {
	return &Broken{Check: check, Line: v.line, Leaf: leaf, EventID: event, Reason: fmt.Sprintf(format, args...)}
}

// numbers yields the numbers of all leaves in the ranges.
func numbers(ranges []Range) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for _, r := range ranges {
			for seq := r.First; seq <= r.Last; seq++ {
				if !yield(seq) {
					return
				}
			}
		}
	}
}
