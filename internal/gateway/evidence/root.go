package evidence

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Root is the state of a log: its name, how many leaves it has and the hash
// over all of them.
type Root struct {
	Origin string // names the log, one per tenant
	Size   int64
	Hash   tlog.Hash
	At     time.Time // when it was signed, to the second
}

// text is the note that is signed: a checkpoint as C2SP tlog-checkpoint has
// it, with the time as an extension line.
func (r Root) text() string {
	return fmt.Sprintf("%s\n%d\n%s\ntime %s\n", r.Origin, r.Size,
		base64.StdEncoding.EncodeToString(r.Hash[:]), r.At.UTC().Format(time.RFC3339))
}

// Sign returns the signed note.
func (r Root) Sign(s *Signer) ([]byte, error) {
	if r.Origin == "" || strings.ContainsAny(r.Origin, "\n\r") {
		return nil, fmt.Errorf("evidence: %q cannot name a log", r.Origin)
	}
	return s.sign(r.text())
}

// OpenRoot checks that one of the keys signed the note and returns its root.
func OpenRoot(signed []byte, verifiers ...Verifier) (Root, error) {
	text, err := open(signed, verifiers...)
	if err != nil {
		return Root{}, err
	}
	return parseRoot(text)
}

func parseRoot(text string) (Root, error) {
	malformed := errors.New("the signed text is not a root")
	lines := strings.Split(text, "\n")
	if len(lines) != 5 {
		return Root{}, malformed
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return Root{}, malformed
	}
	hash, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Root{}, malformed
	}
	at, err := time.Parse(time.RFC3339, strings.TrimPrefix(lines[3], "time "))
	if err != nil {
		return Root{}, malformed
	}
	root := Root{Origin: lines[0], Size: size, Hash: hash, At: at}
	if root.text() != text {
		return Root{}, malformed
	}
	return root, nil
}
