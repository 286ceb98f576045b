package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/validation"
)

// sharedFolder returns a folder beside or below the repository that a test
// needs; without it the test is skipped, in CI it fails.
func sharedFolder(t *testing.T, path, otherwise string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: %s", dir, otherwise)
	}
	t.Skipf("%s is missing: %s", dir, otherwise)
	return ""
}

// validateJSON runs facteur validate --format json and returns its results.
func validateJSON(t *testing.T, want int, args ...string) []validation.Result {
	t.Helper()
	packs := sharedFolder(t, ".facteur/packs", "nothing was validated by official rules")
	var out, errs bytes.Buffer
	args = append([]string{"validate", "--set", "packs_dir=" + packs, "--format", "json"}, args...)
	if got := run(args, strings.NewReader(""), &out, &errs, nil); got != want {
		t.Fatalf("status %d, want %d\n%s%s", got, want, errs.String(), out.String())
	}
	var results []validation.Result
	for line := range bytes.Lines(out.Bytes()) {
		var r validation.Result
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		results = append(results, r)
	}
	return results
}

func TestValidateOfficialExamples(t *testing.T) {
	corpora := sharedFolder(t, "../shared/corpora", "the official examples were not validated")
	for _, file := range []string{"peppol-bis3/examples/base-example.xml", "peppol-bis3/examples/base-creditnote-correction.xml"} {
		results := validateJSON(t, statusOK, "--at", "2026-11-02", filepath.Join(corpora, file))
		if len(results) != 1 || !results[0].Valid || len(results[0].Verdicts) != 3 {
			t.Fatalf("%s: %+v", file, results)
		}
		for i, want := range []string{"xsd ubl-2.1 2.1", "schematron cen-ubl 1.3.16", "schematron peppol-ubl 2026.5"} {
			v := results[0].Verdicts[i]
			if got := v.Stage + " " + v.RuleSet + " " + v.Version; got != want || len(v.SHA256) != 64 || !v.OK() {
				t.Errorf("%s: verdict %s %+v, want %s", file, got, v, want)
			}
		}
	}
}

// What is wrong is told with its rule, line, place, term and value, whatever
// the number of documents and of jobs.
func TestValidateFindings(t *testing.T) {
	corpora := sharedFolder(t, "../shared/corpora", "no changed example was validated")
	good, err := os.ReadFile(filepath.Join(corpora, "peppol-bis3/examples/base-example.xml"))
	if err != nil {
		t.Fatal(err)
	}
	const right, wrong = `<cbc:PayableAmount currencyID="EUR">1656.25<`, `<cbc:PayableAmount currencyID="EUR">1656.26<`
	if !bytes.Contains(good, []byte(right)) {
		t.Fatal("the example has another amount")
	}
	dir := t.TempDir()
	for _, name := range []string{"a.xml", "b.xml", "c.xml", "d.xml"} {
		text := good
		if name != "c.xml" {
			text = bytes.Replace(good, []byte(right), []byte(wrong), 1)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	results := validateJSON(t, statusWanting, "--jobs", "2", "--only", "schematron", "--rules", "cen-ubl@1.3.16", dir)
	if len(results) != 4 {
		t.Fatalf("%d results", len(results))
	}
	for i, r := range results {
		if want := filepath.Join(dir, string(rune('a'+i))+".xml"); r.File != want {
			t.Errorf("result %d is of %s", i, r.File)
		}
		if r.Valid != (i == 2) {
			t.Errorf("%s: valid %v", r.File, r.Valid)
		}
		if i == 2 {
			continue
		}
		f := r.Failures()
		if len(f) != 1 || f[0].Rule != "BR-CO-16" || f[0].Severity != validation.SeverityFatal || f[0].Line < 2 ||
			f[0].Location != "/ubl:Invoice[1]/cac:LegalMonetaryTotal[1]" || !strings.HasPrefix(f[0].Message, "[BR-CO-16]-") ||
			!strings.Contains(strings.Join(f[0].BusinessTerms, " "), "BT-115") {
			t.Errorf("findings %+v", f)
		}
	}
}

// A pack with one changed byte is not used, and the document is not valid.
func TestValidateChangedPack(t *testing.T) {
	corpora := sharedFolder(t, "../shared/corpora", "no example was validated")
	packs := t.TempDir()
	if err := os.CopyFS(packs, os.DirFS(sharedFolder(t, ".facteur/packs", "no pack was changed"))); err != nil {
		t.Fatal(err)
	}
	changed := 0
	err := filepath.WalkDir(packs, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "EN16931-UBL-validation.xslt" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		changed++
		return os.WriteFile(path, append(text, '\n'), 0o600)
	})
	if err != nil || changed == 0 {
		t.Fatalf("%d files changed: %v", changed, err)
	}
	var out, errs bytes.Buffer
	args := []string{"validate", "--set", "packs_dir=" + packs, filepath.Join(corpora, "peppol-bis3/examples/base-example.xml")}
	if got := run(args, strings.NewReader(""), &out, &errs, nil); got != statusEnvironment || !strings.Contains(out.String(), "rules.changed") {
		t.Errorf("status %d\n%s%s", got, out.String(), errs.String())
	}
}

// Every hostile document is refused by a process of its own with status 1, in
// little time and memory, with a line that names it.
func TestValidateMalicious(t *testing.T) {
	if args := os.Getenv(helperArgs); args != "" {
		os.Exit(validateAndTellPeak(strings.Split(args, "\n")))
	}
	folder := sharedFolder(t, "../shared/corpora/malicious-xml", "no hostile document was refused")
	packs := sharedFolder(t, ".facteur/packs", "nothing was validated by official rules")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		seen++
		var took time.Duration
		for range 3 { // others may use the processor
			start := time.Now()
			cmd := exec.Command(self, "-test.run=^TestValidateMalicious$")
			cmd.Env = []string{helperArgs + "=" + strings.Join([]string{"validate", "--set", "packs_dir=" + packs, path}, "\n")}
			var errs strings.Builder
			cmd.Stderr = &errs
			out, _ := cmd.Output()
			took = time.Since(start)
			if cmd.ProcessState.ExitCode() != statusWanting || !strings.HasPrefix(string(out), path+": not valid") {
				t.Errorf("%s: status %d\n%s%s", path, cmd.ProcessState.ExitCode(), out, &errs)
			}
			if race() { // the detector takes its own time and memory
				return nil
			}
			var peak int
			if _, err := fmt.Sscanf(errs.String(), "peak %d kB", &peak); err != nil && runtime.GOOS == "linux" || peak > 64<<10 {
				t.Errorf("%s: %d KiB of memory (%v)", path, peak, err)
			}
			if took < 100*time.Millisecond {
				return nil
			}
		}
		t.Errorf("%s: refused after %v", path, took)
		return nil
	})
	if err != nil || seen < 30 {
		t.Errorf("%d documents: %v", seen, err)
	}
}

// helperArgs makes the test binary the program: its arguments, a line each.
const helperArgs = "FACTEUR_TEST_ARGS"

// validateAndTellPeak runs the program and then writes the most memory of its own
// that the process ever had: without the pages of the executable, which the
// kernel maps as it likes and shares among processes.
func validateAndTellPeak(args []string) int {
	code := run(args, strings.NewReader(""), os.Stdout, os.Stderr, nil)
	text, _ := os.ReadFile("/proc/self/status")
	sizes := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var name string
		var kilobytes int
		if n, _ := fmt.Sscanf(line, "%s %d kB", &name, &kilobytes); n == 2 {
			sizes[name] = kilobytes
		}
	}
	if sizes["VmHWM:"] > 0 && sizes["RssFile:"] > 0 {
		fmt.Fprintf(os.Stderr, "peak %d kB", sizes["VmHWM:"]-sizes["RssFile:"])
	}
	return code
}

// race reports whether the race detector is built in.
func race() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
