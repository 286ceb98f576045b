package validation

import (
	"encoding/json"
	"time"
)

// Identity says what a document is, as far as its root and headers tell.
type Identity struct {
	Syntax        string `json:"syntax"`        // "ubl", "cii", "cdar", …; "xml" when not known
	Root          string `json:"root"`          // local name of the document element
	Namespace     string `json:"-"`             // its namespace
	Customization string `json:"customization"` // BT-24
	Profile       string `json:"profile"`       // BT-23
	IssueDate     string `json:"-"`             // BT-2 as YYYY-MM-DD; empty when absent or not a date
}

// Result is what all stages say about one document.
type Result struct {
	File     string // name as the caller knows it
	SHA256   string // hex digest of the document's bytes
	Document Identity
	Valid    bool // every stage ran, at least one did, and none complained
	Duration time.Duration
	Verdicts []Verdict
}

// MarshalJSON writes the object that `facteur validate --format json` promises.
func (r Result) MarshalJSON() ([]byte, error) {
	if r.Verdicts == nil {
		r.Verdicts = []Verdict{}
	}
	return json.Marshal(struct {
		File     string    `json:"file"`
		SHA256   string    `json:"sha256"`
		Document Identity  `json:"document"`
		Valid    bool      `json:"valid"`
		Duration float64   `json:"duration_ms"`
		Verdicts []Verdict `json:"verdicts"`
	}{r.File, r.SHA256, r.Document, r.Valid, float64(r.Duration.Microseconds()) / 1000, r.Verdicts})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Result) UnmarshalJSON(b []byte) error {
	var in struct {
		File     string    `json:"file"`
		SHA256   string    `json:"sha256"`
		Document Identity  `json:"document"`
		Valid    bool      `json:"valid"`
		Duration float64   `json:"duration_ms"`
		Verdicts []Verdict `json:"verdicts"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*r = Result{in.File, in.SHA256, in.Document, in.Valid, time.Duration(in.Duration * float64(time.Millisecond)), in.Verdicts}
	return nil
}

// Failures returns the findings of all verdicts that weigh enough to fail.
func (r Result) Failures() []Finding {
	var out []Finding
	for _, v := range r.Verdicts {
		for _, f := range v.Findings {
			if f.Severity.Fails() {
				out = append(out, f)
			}
		}
	}
	return out
}
