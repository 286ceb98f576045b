package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

func (versionCmd) Run(ctx *appContext) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return printVersion(ctx.Stdout, info)
}

// printVersion writes one line: the module's version, the commit it was built
// from and the platform.
func printVersion(w io.Writer, info *debug.BuildInfo) error {
	version := info.Main.Version
	if version == "" {
		version = "(devel)"
	}
	_, err := fmt.Fprintf(w, "facteur %s", version)
	if err != nil {
		return err
	}
	settings := make(map[string]string, len(info.Settings))
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if revision := settings["vcs.revision"]; revision != "" {
		if len(revision) > 12 {
			revision = revision[:12]
		}
		if settings["vcs.modified"] == "true" {
			revision += "+changes"
		}
		if _, err := fmt.Fprintf(w, " (%s %s)", revision, settings["vcs.time"]); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(w, " %s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
