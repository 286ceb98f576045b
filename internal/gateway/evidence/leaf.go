package evidence

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Limits of an entry. They keep the line of one leaf in an export below maxLine.
const (
	maxEvent    = 1 << 20 // bytes of its JSON
	maxPersonal = 64      // personal fields
	maxName     = 256     // bytes of a name
	maxValue    = 8 << 10 // bytes of a value
	// saltSize is that of a SHA-256 key: guessing a short value takes as long as guessing the salt.
	saltSize = 32
)

// Entry is an event on its way into the log.
type Entry struct {
	// Seq is the number of the leaf, from 1.
	Seq int64
	// EventID names the event in reports about the log.
	EventID string
	// Event is a JSON object: what the log states. It holds no personal fields
	// and no numbers but integers (see [Canonical]).
	Event []byte
	// Personal are the fields about people, by name.
	Personal map[string]string
}

// Leaf is what the log keeps of an Entry.
type Leaf struct {
	// Bytes are canonical JSON and never change.
	Bytes []byte
	// Salts of the personal fields, by name. They belong beside the values and
	// are erased with them.
	Salts map[string][]byte
}

// leafBody is the JSON of a leaf.
type leafBody struct {
	Version  int               `json:"v"`
	Seq      int64             `json:"seq"`
	EventID  string            `json:"id"`
	Event    jsontext.Value    `json:"event"`
	Personal map[string]string `json:"personal,omitempty"` // name → commitment
}

const leafVersion = 1

// NewLeaf makes the leaf of e, taking salts from random.
func NewLeaf(e Entry, random io.Reader) (Leaf, error) {
	if e.Seq < 1 {
		return Leaf{}, errors.New("evidence: leaves are numbered from 1")
	}
	if err := e.Check(); err != nil {
		return Leaf{}, err
	}
	body := leafBody{Version: leafVersion, Seq: e.Seq, EventID: e.EventID, Event: e.Event}
	var salts map[string][]byte
	if len(e.Personal) > 0 {
		body.Personal = make(map[string]string, len(e.Personal))
		salts = make(map[string][]byte, len(e.Personal))
		for _, name := range slices.Sorted(maps.Keys(e.Personal)) {
			salt := make([]byte, saltSize)
			if _, err := io.ReadFull(random, salt); err != nil {
				return Leaf{}, fmt.Errorf("evidence: no randomness for a salt: %w", err)
			}
			salts[name] = salt
			body.Personal[name] = Commitment(salt, name, e.Personal[name])
		}
	}
	encoded, err := encode(body)
	if err != nil {
		return Leaf{}, fmt.Errorf("evidence: event %s: %w", e.EventID, err)
	}
	return Leaf{Bytes: encoded, Salts: salts}, nil
}

// Check tells whether the log can take e, whatever its number: whoever writes
// events asks before, because one that cannot be sealed would stop the log.
func (e Entry) Check() error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("evidence: event %q: %s", e.EventID, fmt.Sprintf(format, args...))
	}
	if e.EventID == "" || len(e.EventID) > maxName || !utf8.ValidString(e.EventID) {
		return refuse("not an event id")
	}
	if len(e.Event) > maxEvent {
		return refuse("%d bytes, more than %d", len(e.Event), maxEvent)
	}
	if jsontext.Value(e.Event).Kind() != '{' {
		return refuse("not a JSON object")
	}
	if _, err := Canonical(e.Event); err != nil {
		return refuse("%v", err)
	}
	if len(e.Personal) > maxPersonal {
		return refuse("%d personal fields, more than %d", len(e.Personal), maxPersonal)
	}
	for name, value := range e.Personal {
		if name == "" || len(name) > maxName || strings.ContainsRune(name, 0) || !utf8.ValidString(name) {
			return refuse("%q cannot name a personal field", name)
		}
		if len(value) > maxValue || !utf8.ValidString(value) {
			return refuse("the value of %s is not UTF-8 of at most %d bytes", name, maxValue)
		}
	}
	return nil
}

// parseLeaf reads a leaf and checks that its bytes are the ones NewLeaf makes.
func parseLeaf(leaf []byte) (leafBody, error) {
	var body leafBody
	if err := decode(leaf, &body); err != nil {
		return leafBody{}, err
	}
	if body.Version != leafVersion || body.Seq < 1 || body.EventID == "" || body.Event.Kind() != '{' {
		return leafBody{}, errors.New("not a leaf of this version")
	}
	return body, nil
}

// Commitment binds a named value without showing it: the hexadecimal
// HMAC-SHA-256 of name, NUL and value under the salt. Without the salt nothing
// can be learnt of the value, not even by guessing it.
func Commitment(salt []byte, name, value string) string {
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(name))
	mac.Write([]byte{0})
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil))
}

// Canonical returns value in the one form in which the log keeps JSON: RFC
// 8785 (no white space, names sorted, shortest escapes) with integers alone,
// of at most 53 bits. Fractions, doubled names and bad UTF-8 are errors; an
// amount is a string.
func Canonical(value []byte) ([]byte, error) {
	if err := checkNumbers(value); err != nil {
		return nil, err
	}
	canonical := jsontext.Value(bytes.Clone(value))
	if err := canonical.Canonicalize(); err != nil {
		return nil, jsonError(err)
	}
	return canonical, nil
}

// checkNumbers refuses numbers that do not survive every JSON reader.
func checkNumbers(value []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(value))
	for {
		token, err := decoder.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return jsonError(err)
		}
		if token.Kind() == '0' && !isSafeInteger(token.String()) {
			return fmt.Errorf("%s is not an integer of at most 53 bits, at %s", token, decoder.StackPointer())
		}
	}
}

// isSafeInteger reports whether the JSON number is an integer whose magnitude
// is below 2^53, written without fraction, exponent or negative zero.
func isSafeInteger(number string) bool {
	const most = "9007199254740991"
	digits := strings.TrimPrefix(number, "-")
	return !strings.ContainsAny(digits, ".eE") && number != "-0" &&
		(len(digits) < len(most) || len(digits) == len(most) && digits <= most)
}

// encode writes v as canonical JSON.
func encode(v any) ([]byte, error) {
	encoded, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, jsonError(err)
	}
	return Canonical(encoded)
}

// decode reads canonical JSON without unknown names into v.
func decode(data []byte, v any) error {
	canonical, err := Canonical(data)
	if err != nil {
		return err
	}
	if !bytes.Equal(canonical, data) {
		return errors.New("the JSON is not in canonical form")
	}
	return jsonError(json.Unmarshal(data, v, json.RejectUnknownMembers(true)))
}

// jsonError says what is wrong with the JSON, without the library's and Go's names.
func jsonError(err error) error {
	var semantic *json.SemanticError
	var syntax *jsontext.SyntacticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &semantic) && semantic.Err != nil:
		return fmt.Errorf("%w at %q", semantic.Err, semantic.JSONPointer)
	case errors.As(err, &semantic):
		return fmt.Errorf("unexpected value at %q", semantic.JSONPointer)
	case errors.As(err, &syntax) && syntax.Err != nil:
		return fmt.Errorf("%w at byte %d", syntax.Err, syntax.ByteOffset)
	}
	return err
}
