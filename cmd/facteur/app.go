package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"facteur.dev/facteur/internal/config"
	"facteur.dev/facteur/internal/logging"
)

// appContext is what a command's Run is given: the outside world and the
// configuration.
type appContext struct {
	Context  context.Context // cancelled by SIGINT and SIGTERM
	Stdin    io.Reader
	Stdout   io.Writer
	Stderr   io.Writer
	Terminal bool // Stdout is a terminal
	Colour   bool // and its reader wants colour
	Now      func() time.Time
	Log      *slog.Logger // writes to Stderr

	config    *config.Config
	configErr error
}

// newAppContext reads the configuration and sets up the log. A bad
// configuration is kept for the commands that ask for it, so that version and
// doctor work all the same.
func newAppContext(ctx context.Context, globals Globals, stdin io.Reader, stdout, stderr io.Writer, environ []string) *appContext {
	app := &appContext{
		Context: ctx, Stdin: stdin, Stdout: stdout, Stderr: stderr,
		Terminal: isTerminal(stdout), Now: time.Now,
	}
	getenv := lookup(environ)
	app.Colour = app.Terminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	app.config, app.configErr = config.Load(config.Sources{File: globals.ConfigFile, Environ: environ, Flags: globals.settings()})
	logs := config.Default().Log
	if app.configErr == nil {
		logs = app.config.Log
	}
	app.Log = logging.New(stderr, logs.Level, logFormat(logs.Format, stderr))
	if app.configErr == nil {
		for _, warning := range app.config.Warnings() {
			app.Log.Warn(warning)
		}
	}
	return app
}

// Config returns the effective configuration, or the usage error that says
// what is wrong with it.
func (a *appContext) Config() (*config.Config, error) {
	if a.configErr != nil {
		return nil, &exitError{Status: statusUsage, Code: config.Code(a.configErr), Message: a.configErr.Error(), Remedy: `see "facteur config docs"`, Cause: a.configErr}
	}
	return a.config, nil
}

func logFormat(format string, stderr io.Writer) logging.Format {
	switch {
	case format == "json", format == "auto" && !isTerminal(stderr):
		return logging.JSON
	default:
		return logging.Text
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

func lookup(environ []string) func(string) string {
	vars := make(map[string]string, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			vars[name] = value
		}
	}
	return func(name string) string { return vars[name] }
}
