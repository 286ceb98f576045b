package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"facteur.dev/facteur/internal/config"
	"facteur.dev/facteur/schemas"
)

// diagnoseConfig tells what is wrong with the configuration, each problem on its
// line, and returns it when nothing is.
func diagnoseConfig(ctx *appContext, f *findings) (*config.Config, bool) {
	const remedy = `see "facteur config docs"`
	conf, err := ctx.Config()
	var wrong *config.Error
	switch {
	case errors.As(err, &wrong):
		for _, p := range wrong.Problems {
			f.fail(p.Code, remedy, "%s", p)
		}
	case err != nil:
		f.fail("config.invalid", remedy, "%v", err)
	}
	if err != nil {
		f.skip("nothing else was looked at: what to look for is not known")
		return nil, false
	}
	for _, warning := range conf.Warnings() {
		f.warn("config.ignored", "", "%s", warning)
	}
	given := 0
	for _, s := range conf.Settings() {
		if s.Origin != "default" {
			given++
		}
	}
	f.ok("%d of %d options are set, the others are defaults", given, len(conf.Settings()))
	return conf, true
}

// packs looks for missing and changed rule packs, and for rule sets of which no
// version is in force today.
func (d *doctor) packs(ctx context.Context, f *findings) {
	catalogue, err := schemas.Open(d.conf.PacksDir)
	if err != nil {
		f.fail("packs.unreadable", "check "+d.conf.PacksDir, "%v", err)
		return
	}
	count := map[schemas.State]int{}
	for _, p := range catalogue.Verify(ctx) {
		count[p.State]++
	}
	switch {
	case ctx.Err() != nil:
		f.fail("doctor.deadline", "look at the disk", "the rule packs in %s could not be read in time", d.conf.PacksDir)
		return
	case count[schemas.Changed] > 0:
		f.fail(schemas.CodeChanged, "run: facteur schemas sync",
			"%d files of the rule packs in %s were changed: they are not used, and nothing is valid without them", count[schemas.Changed], d.conf.PacksDir)
	case count[schemas.Missing] > 0:
		f.fail(schemas.CodeMissing, "run: facteur schemas sync",
			"%d files of the rule packs are missing in %s: nothing is valid without them", count[schemas.Missing], d.conf.PacksDir)
	default:
		f.ok("%d rule sets in %s are as locked", len(catalogue.Lock().Packs()), d.conf.PacksDir)
		d.ownRules(ctx, f)
	}
	if idle := outOfForce(catalogue, d.now()); len(idle) > 0 {
		f.warn(schemas.CodeNotValid, "check the clock; if it is right, upgrade facteur and run: facteur schemas sync",
			"no version of %s is in force on %s", strings.Join(idle, ", "), date(d.now().UTC()))
	}
}

// ownRules looks at the rules that take the place of official ones.
func (d *doctor) ownRules(ctx context.Context, f *findings) {
	if d.conf.Validation.RulesDir == "" {
		return
	}
	checks, err := openChecks(d.conf)
	if err != nil {
		f.fail("validation.rules_dir", "correct validation.rules_dir or what is in it", "%v", err)
		return
	}
	defer checks.Close() //nolint:errcheck // nothing was compiled
	var broken *schemas.Error
	switch err := checks.Official.Usable(ctx); {
	case errors.As(err, &broken):
		f.fail(broken.Code, "correct rules.json", "%s: nothing is valid without them", broken.Message)
	case err != nil:
		f.fail("doctor.deadline", "look at the disk", "%v", err)
	default:
		f.ok("rules of your own in %s take the place of official ones", d.conf.Validation.RulesDir)
	}
}

// outOfForce lists the rule sets that have no version in force on a day.
func outOfForce(catalogue *schemas.Catalogue, at time.Time) []string {
	idle := map[string]bool{}
	for _, p := range catalogue.Lock().Packs() {
		if _, err := catalogue.FindAt(p.ID, at); err != nil {
			idle[p.ID] = true
		}
	}
	return slices.Sorted(maps.Keys(idle))
}

// Free space below which the disk is a worry, and an emergency.
const (
	littleSpace = 1 << 30
	noSpace     = 100 << 20
)

// disk looks at the folders that are written to.
func (d *doctor) disk(_ context.Context, f *findings) {
	folders := map[string]string{"data_dir": d.conf.DataDir}
	if !d.conf.Database.IsPostgres() {
		folders["database"] = filepath.Dir(d.conf.Database.Reveal())
	}
	if d.conf.Intake.DropDir != "" {
		folders["intake.drop_dir"] = d.conf.Intake.DropDir
	}
	seen := map[string]bool{}
	for _, option := range slices.Sorted(maps.Keys(folders)) {
		dir, err := filepath.Abs(folders[option])
		if err != nil {
			f.fail("disk.unusable", "check "+option, "%s: %v", option, err)
			continue
		}
		if !seen[dir] {
			seen[dir] = true
			d.folder(f, option, dir)
		}
	}
}

// folder looks at one of them. A folder that is missing is made on first use, if
// the one above it allows.
func (d *doctor) folder(f *findings, option, dir string) {
	at, missing := dir, false
	for {
		info, err := os.Stat(at)
		if errors.Is(err, fs.ErrNotExist) && filepath.Dir(at) != at {
			at, missing = filepath.Dir(at), true
			continue
		}
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is not a folder", at)
		}
		if err != nil {
			f.fail("disk.unusable", "check "+option+" and its permissions", "%s: %v", option, err)
			return
		}
		break
	}
	if err := tryWriting(at); err != nil {
		f.fail("disk.not_writable", fmt.Sprintf("let the user that runs facteur write there, or set %s", option), "%s: %v", option, err)
		return
	}
	free, err := d.free(at)
	room := fmt.Sprintf("%d MiB free", free>>20)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		room = "free space not known"
	case err != nil:
		f.fail("disk.unusable", "look at the disk", "%s: %v", option, err)
		return
	case free < noSpace:
		f.fail("disk.full", "make room", "%s: only %s at %s", option, room, dir)
		return
	case free < littleSpace:
		f.warn("disk.little_space", "make room", "%s: only %s at %s", option, room, dir)
		return
	}
	if missing {
		f.warn("disk.missing", fmt.Sprintf("nothing, if this is a new installation; otherwise check %s", option), "%s: %s is not there yet; it can be made, %s", option, dir, room)
		return
	}
	f.ok("%s: %s is writable, %s", option, dir, room)
}

// tryWriting makes a file in a folder and removes it.
func tryWriting(dir string) error {
	file, err := os.CreateTemp(dir, ".facteur-doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// clock says what the machine's clock is compared with. The newest event of the
// database is compared where the database is looked at.
func (d *doctor) clock(_ context.Context, f *findings) {
	now := d.now().UTC()
	const remedy = "set the clock: see timedatectl"
	if !d.built.IsZero() && now.Before(d.built.Add(-24*time.Hour)) {
		f.fail("clock.behind", remedy, "it is %s here, before this program was written (%s)", now.Format(time.RFC3339), date(d.built.UTC()))
		return
	}
	f.ok("it is %s (%s); facteur asks no time server, so compare: timedatectl timesync-status, or chronyc tracking",
		now.Format(time.RFC3339), now.In(d.conf.TimeZone).Format("2006-01-02 15:04 MST"))
}

// dns looks up the host name under which others reach the server.
func (d *doctor) dns(ctx context.Context, f *findings) {
	public, err := url.Parse(d.conf.HTTP.PublicURL)
	if err != nil {
		f.fail("dns.public_url", "check http.public_url", "http.public_url: %v", err)
		return
	}
	host := public.Hostname()
	if d.isDefault("http.public_url") {
		f.skip("http.public_url is not set: portal links lead to %s, which nobody outside can open", d.conf.HTTP.PublicURL)
		return
	}
	if _, err := netip.ParseAddr(host); err == nil {
		f.skip("http.public_url names the address %s, no name to look up", host)
		return
	}
	addresses, err := d.resolve(ctx, host)
	switch {
	case ctx.Err() != nil:
		f.fail("dns.timeout", "check the resolver (/etc/resolv.conf) and the network", "no answer about %s in time", host)
	case err != nil:
		f.fail("dns.unknown", "check http.public_url, the zone and the resolver (/etc/resolv.conf)", "%v", err)
	default:
		f.ok("%s is %s", host, strings.Join(addresses, ", "))
	}
}

// isDefault reports whether nobody set an option.
func (d *doctor) isDefault(key string) bool { return d.origin(key) == "default" }

// origin is where an option was set.
func (d *doctor) origin(key string) string {
	for _, s := range d.conf.Settings() {
		if s.Key == key {
			return s.Origin
		}
	}
	return ""
}
