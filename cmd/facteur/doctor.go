package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"facteur.dev/facteur/internal/config"
	"facteur.dev/facteur/internal/netguard"
)

type doctorCmd struct {
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Help says more on the command's own help page.
func (doctorCmd) Help() string {
	return `Looks at configuration, rule packs, database, disk, key files, clock, DNS, mail and certificates, and says for each what is wrong and what to do about it.
It changes nothing: a schema that is out of date is migrated and rolled back, mail is not sent.

Exit status: 0 nothing fails (warnings do not count); 3 something fails.`
}

// Deadlines of doctor: what hangs is a finding, too.
const (
	checkDeadline = 10 * time.Second
	checkGrace    = 2 * time.Second // for a check to notice its deadline
)

// condition is how one thing stands.
type condition string

const (
	conditionOK   condition = "ok"
	conditionWarn condition = "warn"
	conditionFail condition = "fail"
	conditionSkip condition = "skip" // not set up, or not looked at
)

// diagnosis is one line of the report.
type diagnosis struct {
	Check     string    `json:"check"`
	Condition condition `json:"state"`
	Code      string    `json:"code,omitempty"`
	Detail    string    `json:"detail"`
	Remedy    string    `json:"remedy,omitempty"`
}

// findings collects the lines of one check.
type findings struct {
	check string
	lines []diagnosis
}

func (f *findings) ok(format string, args ...any) {
	f.lines = append(f.lines, diagnosis{Check: f.check, Condition: conditionOK, Detail: fmt.Sprintf(format, args...)})
}

func (f *findings) skip(format string, args ...any) {
	f.lines = append(f.lines, diagnosis{Check: f.check, Condition: conditionSkip, Detail: fmt.Sprintf(format, args...)})
}

func (f *findings) warn(code, remedy, format string, args ...any) {
	f.lines = append(f.lines, diagnosis{f.check, conditionWarn, code, fmt.Sprintf(format, args...), remedy})
}

func (f *findings) fail(code, remedy, format string, args ...any) {
	f.lines = append(f.lines, diagnosis{f.check, conditionFail, code, fmt.Sprintf(format, args...), remedy})
}

// doctor looks at one installation. What it asks of the world is given to it.
type doctor struct {
	conf     *config.Config
	now      func() time.Time
	built    time.Time // when the program was built; zero when not known
	resolve  func(ctx context.Context, host string) ([]string, error)
	dial     netguard.DialFunc
	free     func(dir string) (uint64, error) // bytes that may still be written
	deadline time.Duration
}

// Run prints a line and a remedy for each check.
func (c doctorCmd) Run(ctx *appContext) error {
	lines := []diagnosis{}
	configuration := &findings{check: "configuration"}
	conf, ok := diagnoseConfig(ctx, configuration)
	lines = append(lines, configuration.lines...)
	if ok {
		d := &doctor{
			conf: conf, now: ctx.Now, built: buildTime(), resolve: net.DefaultResolver.LookupHost, free: freeSpace, deadline: checkDeadline,
		}
		guard, err := netguard.New(netguard.Policy{Allow: conf.Outbound.Allow})
		if err != nil {
			return err
		}
		d.dial = guard.DialContext
		lines = append(lines, d.examine(ctx.Context)...)
	}
	if err := ctx.Context.Err(); err != nil {
		return err
	}
	if err := c.print(ctx, lines); err != nil {
		return err
	}
	failed := 0
	for _, l := range lines {
		if l.Condition == conditionFail {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return environmentError("doctor.failed", fmt.Errorf("%d of %d checks fail", failed, len(lines)), "")
}

// examine makes all checks at the same time and returns their lines in order.
func (d *doctor) examine(ctx context.Context) []diagnosis {
	checks := []struct {
		name string
		make func(context.Context, *findings)
	}{
		{"packs", d.packs},
		{"database", d.database},
		{"disk", d.disk},
		{"keys", d.keys},
		{"clock", d.clock},
		{"dns", d.dns},
		{"mail", d.mail},
		{"certificates", d.certificates},
	}
	results := make([]chan []diagnosis, len(checks))
	for i, check := range checks {
		results[i] = make(chan []diagnosis, 1)
		go func() { results[i] <- d.bounded(ctx, check.name, check.make) }()
	}
	var lines []diagnosis
	for _, result := range results {
		lines = append(lines, <-result...)
	}
	return lines
}

// bounded makes one check. One that neither ends nor heeds its deadline, such as
// a look at a dead network drive, is left behind.
func (d *doctor) bounded(ctx context.Context, name string, check func(context.Context, *findings)) []diagnosis {
	ctx, cancel := context.WithTimeout(ctx, d.deadline)
	defer cancel()
	done := make(chan []diagnosis, 1)
	go func() {
		f := &findings{check: name}
		check(ctx, f)
		done <- f.lines
	}()
	timer := time.NewTimer(d.deadline + checkGrace)
	defer timer.Stop()
	select {
	case lines := <-done:
		return lines
	case <-timer.C:
		f := &findings{check: name}
		f.fail("doctor.deadline", "look for a dead disk or network drive", "no answer within %s", d.deadline+checkGrace)
		return f.lines
	}
}

func (c doctorCmd) print(ctx *appContext, lines []diagnosis) error {
	if c.Format == "json" {
		return writeJSON(ctx.Stdout, lines)
	}
	colours := map[condition]string{conditionOK: "32", conditionWarn: "33", conditionFail: "31", conditionSkip: "36"}
	paint := textPrinter{colour: ctx.Colour}.paint
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%s  %-13s  %s", paint(colours[l.Condition], fmt.Sprintf("%-4s", l.Condition)), l.Check, plain(l.Detail))
		if l.Code != "" {
			fmt.Fprintf(&b, " [%s]", l.Code)
		}
		b.WriteByte('\n')
		if l.Remedy != "" {
			fmt.Fprintf(&b, "%21s%s\n", "", plain(l.Remedy))
		}
	}
	_, err := io.WriteString(ctx.Stdout, b.String())
	return err
}

// buildTime is the time of the commit that the program was built from.
func buildTime() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			at, _ := time.Parse(time.RFC3339, s.Value)
			return at
		}
	}
	return time.Time{}
}
