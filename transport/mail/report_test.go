package mail

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"facteur.dev/facteur/transport"
)

var update = flag.Bool("update", false, "write the golden reports anew")

func reports(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/reports/*.eml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d reports in testdata: %v", len(files), err)
	}
	return files
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Each mail in testdata is read as the JSON beside it says. The postfix-… mails are of a real server
// (TestPostfixReports); the others are written after what their senders send.
func TestReports(t *testing.T) {
	for _, file := range reports(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			rep, err := ParseReport(bytes.NewReader(read(t, file)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(rep, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".eml") + ".json"
			if *update {
				write(t, golden, string(got)+"\n")
			}
			if want := read(t, golden); string(want) != string(got)+"\n" {
				t.Errorf("got %s\nwant %s", got, want)
			}
		})
	}
}

func report(boundaryParts string) string {
	return "From: x@y.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" + boundaryParts
}

func status2(fields string) string {
	return report("--b\r\nContent-Type: message/delivery-status\r\n\r\n" + strings.ReplaceAll(fields, "\n", "\r\n") + "\r\n--b--\r\n")
}

func TestMalformedReports(t *testing.T) {
	const head = "Reporting-MTA: dns; x\n\n"
	for name, mail := range map[string]string{
		"empty":              "",
		"no header":          "\r\nhello",
		"no mail":            "hello\r\n\r\n",
		"binary":             "\x00\x01\x02\x03",
		"endless header":     "X: " + strings.Repeat("x", 1<<20),
		"no recipient":       status2("Reporting-MTA: dns; x\n"),
		"nothing":            status2(""),
		"no action":          status2(head + "Final-Recipient: rfc822;a@b.example\nStatus: 5.1.1\n"),
		"unknown action":     status2(head + "Final-Recipient: rfc822;a@b.example\nAction: exploded\nStatus: 5.1.1\n"),
		"no address":         status2(head + "Action: failed\nStatus: 5.1.1\n"),
		"no field":           status2(head + "Final-Recipient rfc822 a@b.example\n"),
		"second one broken":  status2(head + "Final-Recipient: rfc822;a@b.example\nAction: failed\n\nAction: failed\n"),
		"too many":           status2("A: b\n\n" + strings.Repeat("Final-Recipient: rfc822;a@b.example\nAction: failed\n\n", maxRecipients+1)),
		"too large":          status2(head + "Final-Recipient: rfc822;a@b.example\nAction: failed\nDiagnostic-Code: " + strings.Repeat("x", maxStatus)),
		"disposition":        strings.ReplaceAll(strings.ReplaceAll(status2("Final-Recipient: rfc822;a@b.example\n"), "message/delivery-status", "message/disposition-notification"), "report-type=delivery-status", "report-type=disposition-notification"),
		"disposition, empty": strings.ReplaceAll(strings.ReplaceAll(status2(""), "message/delivery-status", "message/disposition-notification"), "report-type=delivery-status", "report-type=disposition-notification"),
	} {
		rep, err := ParseReport(strings.NewReader(mail))
		if codeOf(err) != CodeReport || rep.Kind != "" || rep.Recipients != nil {
			t.Errorf("%s: %+v %v", name, rep, err)
		}
	}
	// Cut off at any byte: an error, or no report, or what the whole says.
	whole := string(read(t, "testdata/reports/several-recipients.eml"))
	want, err := ParseReport(strings.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		rep, err := ParseReport(strings.NewReader(whole[:n]))
		if err == nil && len(rep.Recipients) > 0 && !slices.Equal(rep.Recipients, want.Recipients) {
			t.Fatalf("cut at %d: %+v", n, rep)
		}
	}
}

// A report that returns the whole message is read without it.
func TestGiantReport(t *testing.T) {
	mail := strings.Replace(string(read(t, "testdata/reports/exchange-not-found.eml")), "whole text", strings.Repeat("whole text\r\n", 1<<20), 1)
	rep, err := ParseReport(strings.NewReader(mail))
	if err != nil || rep.Kind != DeliveryReport || len(rep.Recipients) != 1 || rep.OriginalMessageID != "<01J-17@supplier.example>" {
		t.Fatalf("%+v %v", rep, err)
	}
	rep, err = ParseReport(strings.NewReader("From: a@b.example\r\n\r\n" + strings.Repeat("x", 8<<20)))
	if err != nil || rep.Kind != OtherMail || len(rep.Excerpt) > 300 {
		t.Fatalf("%+v %v", rep, err)
	}
}

// Fields made to be slow are not.
func TestHostileFields(t *testing.T) {
	for _, piece := range []string{"+", "+a@", `\x{`, "=?", "=?utf-8?q?", "<", ";", "@", "\r\n ", "é", "\x80"} {
		field := strings.Repeat(piece, 200<<10/len(piece))
		start := time.Now()
		_, _ = ParseReport(strings.NewReader("From: a@b.example\r\nDelivered-To: " + field + "\r\n\r\nx"))
		_, _ = ParseReport(strings.NewReader("From: " + field + "\r\n\r\nx"))
		_, _ = ParseReport(strings.NewReader(status2("Reporting-MTA: dns; " + field + "\n\nFinal-Recipient: utf-8; " + field + "\nAction: failed\nStatus: " + field + "\n")))
		if d := time.Since(start); d > time.Second {
			t.Errorf("%q: %s", piece, d)
		}
	}
}

func TestDeepMail(t *testing.T) {
	var b strings.Builder
	b.WriteString("From: a@b.example\r\n")
	for range 2000 {
		b.WriteString("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n")
	}
	start := time.Now()
	if rep, err := ParseReport(strings.NewReader(b.String())); err != nil || rep.Kind != OtherMail {
		t.Errorf("%+v %v", rep, err)
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("%s", d)
	}
}

func TestClassify(t *testing.T) {
	for status, want := range map[string]Bounce{
		"5.1.1": BounceHard, "5.1.10": BounceHard, "5.1.2": BounceHard, "5.1.6": BounceHard, "5.2.1": BounceHard, "5.4.4": BounceHard, "5.0.0": BounceHard,
		"4.0.0": BounceSoft, "4.2.2": BounceSoft, "4.4.7": BounceSoft, "5.2.2": BounceSoft,
		"5.1.7": BounceRefused, "5.1.8": BounceRefused, "5.2.3": BounceRefused, "5.3.4": BounceRefused, "5.6.0": BounceRefused, "5.7.1": BounceRefused, "": BounceRefused, "2.0.0": BounceRefused,
	} {
		if got := Classify(status); got != want {
			t.Errorf("%s: %s, want %s", status, got, want)
		}
	}
}

func TestXtext(t *testing.T) {
	if got := xtext("a+b=c d\x7fé"); got != "a+2Bb+3Dc+20d+7F+C3+A9" {
		t.Errorf("%s", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "address")
		c := conversation{env: envelope{to: address{s, "x.example"}, utf8: true}}
		if got := unescape(strings.TrimPrefix(c.originalRecipient(), "utf-8;")); got != s+"@x.example" && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}

func ExampleParseReport() {
	mail := "From: MAILER-DAEMON@customer.example\r\nTo: bounces+abcdefghijklmnopqrstuvwx@in.supplier.example\r\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: message/delivery-status\r\n\r\n" +
		"Reporting-MTA: dns; mx.customer.example\r\nOriginal-Envelope-Id: 01J-17\r\n\r\n" +
		"Final-Recipient: rfc822; ap@customer.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
	rep, err := ParseReport(strings.NewReader(mail))
	if err != nil {
		panic(err)
	}
	for _, r := range rep.Recipients {
		fmt.Println(rep.EnvelopeID, r.Final, r.Action, r.Status, r.Bounce)
	}
	// Output: 01J-17 ap@customer.example failed 5.1.1 hard
}

func FuzzParseReport(f *testing.F) {
	for _, file := range reports(f) {
		f.Add(read(f, file))
	}
	f.Fuzz(func(t *testing.T, mail []byte) {
		rep, err := ParseReport(bytes.NewReader(mail))
		if err != nil {
			if codeOf(err) != CodeReport || rep.Kind != "" {
				t.Fatalf("%+v %v", rep, err)
			}
			return
		}
		// Nobody is said to have received, or to have failed to, but by a delivery report in due form.
		if (len(rep.Recipients) > 0) != (rep.Kind == DeliveryReport) || (rep.Disposition != "") != (rep.Kind == Disposition) {
			t.Fatalf("%+v", rep)
		}
		if rep.Kind == DeliveryReport && !bytes.Contains(bytes.ToLower(mail), []byte("multipart/report")) {
			t.Fatalf("a bounce out of nothing: %+v", rep)
		}
		for _, r := range rep.Recipients {
			if r.Final == "" && r.Original == "" || (r.Bounce != BounceNone) != (r.Action == Failed) {
				t.Fatalf("%+v", r)
			}
			for _, s := range []string{r.Final, r.Original, r.Diagnostic, r.RemoteMTA, r.Status} {
				if s != transport.Safe(s) {
					t.Fatalf("unsafe text %q", s)
				}
			}
		}
		for _, s := range []string{rep.MessageID, rep.From, rep.Subject, rep.EnvelopeID, rep.OriginalMessageID, rep.ReportingMTA, rep.Excerpt, rep.Disposition} {
			if s != transport.Safe(s) {
				t.Fatalf("unsafe text %q", s)
			}
		}
	})
}
