package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxPasswordInput is more than any password has bytes.
const maxPasswordInput = 4 << 10

// readPassword asks for a password twice, without echo, when standard input is
// a terminal; otherwise standard input is the password, on one line. Passwords
// never come from flags, where every user of the machine could read them.
func readPassword(ctx *appContext) (string, error) {
	if f, ok := ctx.Stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return askPassword(ctx, int(f.Fd()))
	}
	data, err := io.ReadAll(io.LimitReader(ctx.Stdin, maxPasswordInput+1))
	if err != nil {
		return "", environmentError("admin.password", err, "")
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if password == "" || len(data) > maxPasswordInput || strings.ContainsAny(password, "\r\n\x00") {
		return "", usageError("admin.password", "standard input is not one line with a password", "type it at a terminal, or pipe it in")
	}
	return password, nil
}

func askPassword(ctx *appContext, fd int) (string, error) {
	first, err := ask(ctx, fd, "New password: ")
	if err != nil {
		return "", err
	}
	again, err := ask(ctx, fd, "Again: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", usageError("admin.password", "the two passwords differ", "")
	}
	return first, nil
}

// ask reads a line without echo. An interrupt ends it with the terminal as it
// was before.
func ask(ctx *appContext, fd int, prompt string) (string, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return "", environmentError("admin.terminal", err, "")
	}
	fmt.Fprint(ctx.Stderr, prompt)
	type answer struct {
		line []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := term.ReadPassword(fd)
		answers <- answer{line, err}
	}()
	defer fmt.Fprintln(ctx.Stderr)
	select {
	case a := <-answers:
		if a.err != nil {
			return "", environmentError("admin.terminal", a.err, "")
		}
		return string(a.line), nil
	case <-ctx.Context.Done():
		if err := term.Restore(fd, before); err != nil {
			return "", environmentError("admin.terminal", err, "run: stty sane")
		}
		return "", context.Canceled
	}
}
