package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"facteur.dev/facteur/validation"
)

// checkAll checks the inputs, some at the same time, and emits the outcomes in
// the order of the inputs. It stops at the first document that cannot be read.
func checkAll(ctx context.Context, jobs int, inputs []input, check func(context.Context, input) (outcome, error), emit func(outcome) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		outcome outcome
		err     error
	}
	// Each input has a channel for its answer; the queue bounds how many are
	// under way or wait for their turn.
	queue := make(chan chan answer, jobs)
	go func() {
		defer close(queue)
		slots := make(chan struct{}, jobs)
		for _, in := range inputs {
			answers := make(chan answer, 1)
			select {
			case queue <- answers:
			case <-ctx.Done():
				return
			}
			slots <- struct{}{}
			go func() {
				defer func() { <-slots }()
				o, err := check(ctx, in)
				answers <- answer{o, err}
			}()
		}
	}()
	for answers := range queue {
		a := <-answers
		if err := ctx.Err(); err != nil {
			return err
		}
		if a.err != nil {
			return environmentError("validate.read", a.err, "")
		}
		if err := emit(a.outcome); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// tally counts outcomes and shows progress.
type tally struct {
	total, done, invalid, unchecked int
	reason                          string // of the first check that could not be made
	progress                        io.Writer
	live                            bool // progress is a terminal
}

func (t *tally) add(o outcome) {
	t.done++
	if reason := environmentReason(o.Result); reason != "" {
		t.unchecked++
		if t.reason == "" {
			t.reason = reason
		}
	} else if !o.Valid {
		t.invalid++
	}
	if t.live {
		fmt.Fprintf(t.progress, "\rchecked %d of %d ", t.done, t.total)
	}
}

// finish writes the sum of more than one document.
func (t *tally) finish() {
	if t.live {
		fmt.Fprint(t.progress, "\r\x1b[K")
	}
	if t.total > 1 {
		fmt.Fprintf(t.progress, "%d documents: %d valid, %d not valid, %d not fully checked\n", t.done, t.done-t.invalid-t.unchecked, t.invalid, t.unchecked)
	}
}

// verdict is the exit status. That checks are missing weighs more than that a
// document is not valid: without them nobody knows how many are.
func (t *tally) verdict() error {
	switch {
	case t.unchecked > 0:
		code, text, _ := strings.Cut(t.reason, ": ")
		return &exitError{Status: statusEnvironment, Code: code, Message: "a check could not be made: " + text}
	case t.invalid > 0:
		return wanting("", "")
	}
	return nil
}

// environmentReason returns why a check could not be made when the document is
// not to blame for it.
func environmentReason(r validation.Result) string {
	for _, v := range r.Verdicts {
		if v.Ran {
			continue
		}
		switch code, _, _ := strings.Cut(v.Reason, ":"); code {
		case validation.ReasonDynamic, validation.ReasonUnknown, validation.ReasonLimit:
		default:
			return v.Reason
		}
	}
	return ""
}
