// Command testsum runs "go test" and shows one line per package as it ends, the
// whole output of what failed, and at the end what was skipped and why: a test
// that did not run is no pass, so it is said.
//
//	go run ./scripts/testsum [go test flags] packages
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() {
	total := 0
	if out, err := exec.Command("go", "list", "-e", "./...").Output(); err == nil && slices.Contains(os.Args, "./...") {
		total = strings.Count(string(out), "\n")
	}
	cmd := exec.Command("go", append([]string{"test", "-json"}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	signal.Ignore(os.Interrupt) // go test gets it, too, and ends; its end is ours
	events, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(2)
	}
	s := newSummary(os.Stdout, total)
	readErr := s.read(events)
	err = errors.Join(readErr, cmd.Wait())
	s.end()
	if err != nil {
		os.Exit(1)
	}
}

// event is a line of "go test -json".
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

type summary struct {
	out                     io.Writer
	total, packages, passed int
	failed                  []string
	output                  map[string][]string // by package and test
	tests                   map[string]int      // passed, by package
	skipped                 map[string]int      // by reason
}

func newSummary(out io.Writer, total int) *summary {
	return &summary{out: out, total: total, output: map[string][]string{}, tests: map[string]int{}, skipped: map[string]int{}}
}

// read takes in events to the end of r. Lines that are no event are shown.
func (s *summary) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(s.out, "%s", line)
			} else {
				s.take(e)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *summary) take(e event) {
	key := e.Package + "\x00" + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "output":
		s.output[key] = append(s.output[key], e.Output)
	case "pass", "skip", "fail":
		if e.Test == "" {
			s.endPackage(e, key)
		} else {
			s.endTest(e, key)
		}
		delete(s.output, key)
	}
}

func (s *summary) endTest(e event, key string) {
	switch e.Action {
	case "pass":
		s.passed++
		s.tests[e.Package]++
	case "skip":
		s.skipped[reason(s.output[key])]++
	case "fail":
		s.failed = append(s.failed, short(e.Package)+" "+e.Test)
		fmt.Fprint(s.out, strings.Join(s.output[key], ""))
	}
}

func (s *summary) endPackage(e event, key string) {
	s.packages++
	text := strings.Join(s.output[key], "")
	took := time.Duration(e.Elapsed * float64(time.Second)).Round(10 * time.Millisecond).String()
	if strings.Contains(text, "(cached)") {
		took = "cached"
	}
	switch e.Action {
	case "fail":
		fmt.Fprintf(s.out, "%s FAIL %s  %s\n", s.count(), short(e.Package), took)
		if len(s.failed) == 0 || !strings.HasPrefix(s.failed[len(s.failed)-1], short(e.Package)+" ") {
			s.failed = append(s.failed, short(e.Package)) // it failed as a whole: build, panic, deadline
			fmt.Fprint(s.out, text)
		}
	case "skip":
		fmt.Fprintf(s.out, "%s  -   %s  no tests\n", s.count(), short(e.Package))
	default:
		fmt.Fprintf(s.out, "%s ok   %s  %d tests, %s\n", s.count(), short(e.Package), s.tests[e.Package], took)
	}
}

func (s *summary) count() string {
	if s.total == 0 {
		return fmt.Sprintf("[%d]", s.packages)
	}
	return fmt.Sprintf("[%2d/%d]", s.packages, s.total)
}

// end prints the totals.
func (s *summary) end() {
	fmt.Fprintf(s.out, "\n%d tests in %d packages passed, %d failed\n", s.passed, s.packages, len(s.failed))
	for _, name := range s.failed {
		fmt.Fprintln(s.out, "failed:", name)
	}
	for _, why := range slices.Sorted(maps.Keys(s.skipped)) {
		fmt.Fprintf(s.out, "not run (%d): %s\n", s.skipped[why], why)
	}
}

var place = regexp.MustCompile(`^\s*[\w.-]+\.go:\d+: `)

// reason is what a test gave to t.Skip.
func reason(output []string) string {
	for _, line := range output {
		if place.MatchString(line) {
			return strings.TrimSpace(place.ReplaceAllString(line, ""))
		}
	}
	return "no reason given"
}

func short(pkg string) string { return strings.TrimPrefix(pkg, "facteur.dev/facteur/") }
