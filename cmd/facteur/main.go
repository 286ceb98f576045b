// Command facteur takes a supplier from a sales order to an invoice that the
// customer has received, opened and accepted, with proof.
//
// Each command is a struct in a file of its own, with a field in [CLI] and a
// method Run(*appContext) error. A command writes its result to
// appContext.Stdout and its progress to appContext.Stderr, and reports failure
// by returning an error: an [exitError] (see exit.go) chooses the exit status,
// any other error is a failed environment.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // time zones on machines without them

	"github.com/alecthomas/kong"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}

// run is the whole program: it parses args, runs the command and returns the
// exit status. environ has the shape of os.Environ.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	var cli CLI
	helpShown := false
	parser, err := kong.New(&cli,
		kong.Name("facteur"),
		kong.Description(description),
		kong.ExplicitGroups(commandGroups),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoAppDescFormat: true, WrapUpperBound: 100}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helpShown = true }),
	)
	if err != nil {
		return report(stderr, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if helpShown {
		return statusOK
	}
	if err != nil {
		return report(stderr, usageError("cli.usage", err.Error(), "see facteur --help"))
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	app := newAppContext(ctx, cli.Globals, stdin, stdout, stderr, environ)
	return report(stderr, command.Run(app))
}
