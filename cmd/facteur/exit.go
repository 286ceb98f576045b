package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Exit statuses, part of the command-line contract.
const (
	statusOK          = 0
	statusWanting     = 1 // the input was judged and found wanting
	statusUsage       = 2 // the command line or the configuration is wrong
	statusEnvironment = 3 // rules missing, network, disk
)

// exitError ends a command with a status. It is printed as one line:
// "facteur: MESSAGE [CODE]; REMEDY". An empty Message prints nothing, for
// commands whose report already says what is wrong.
type exitError struct {
	Status  int
	Code    string // stable, such as "config.unknown_key"
	Message string
	Remedy  string // what to do about it; may be empty
	Cause   error
}

func (e *exitError) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	if e.Code != "" {
		fmt.Fprintf(&b, " [%s]", e.Code)
	}
	if e.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(e.Remedy)
	}
	return b.String()
}

func (e *exitError) Unwrap() error { return e.Cause }

// usageError says that the command was called wrongly.
func usageError(code, message, remedy string) error {
	return &exitError{Status: statusUsage, Code: code, Message: message, Remedy: remedy}
}

// wanting says that the input was judged and found wanting. With an empty
// message only the status is set: the report on stdout has said the rest.
func wanting(code, message string) error {
	return &exitError{Status: statusWanting, Code: code, Message: message}
}

// environmentError says that the surroundings failed, not the input.
func environmentError(code string, cause error, remedy string) error {
	return &exitError{Status: statusEnvironment, Code: code, Message: cause.Error(), Remedy: remedy, Cause: cause}
}

// report prints err on one line and returns the exit status it asks for.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return statusOK
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{Status: statusEnvironment, Message: err.Error()}
		if errors.Is(err, context.Canceled) {
			exit.Code, exit.Message = "cli.interrupted", "interrupted"
		}
	}
	if exit.Message != "" {
		fmt.Fprintf(stderr, "facteur: %s\n", oneLine(exit.Error()))
	}
	return exit.Status
}

// oneLine folds line breaks and control characters, so that a message made
// from hostile input stays one harmless line.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r < ' ' || r == 0x7f
	}), " ")
}
