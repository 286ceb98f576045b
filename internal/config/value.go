package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"facteur.dev/facteur/internal/netguard"
)

// value parses the text of an option into its field and writes it back.
type value struct {
	kind  string // for the reference page
	parse func(string) error
	show  func() string
	plain bool // written without quotes in YAML
}

func (v value) String() string { return v.show() }

func text(p *string) value {
	return value{kind: "text", show: func() string { return *p }, parse: func(s string) error {
		*p = strings.TrimSpace(s)
		return nil
	}}
}

func path(p *string) value {
	return value{kind: "path", show: func() string { return *p }, parse: func(s string) error {
		if strings.ContainsRune(s, 0) {
			return errors.New("a path contains no NUL")
		}
		if s != "" {
			s = filepath.Clean(s)
		}
		*p = s
		return nil
	}}
}

func oneOf(p *string, words ...string) value {
	return value{kind: strings.Join(words, ", "), show: func() string { return *p }, parse: func(s string) error {
		if !slices.Contains(words, s) {
			return fmt.Errorf("expected one of %s", strings.Join(words, ", "))
		}
		*p = s
		return nil
	}}
}

func boolean(p *bool) value {
	return value{kind: "true, false", plain: true, show: func() string { return strconv.FormatBool(*p) }, parse: func(s string) error {
		if s != "true" && s != "false" {
			return errors.New("expected true or false")
		}
		*p = s == "true"
		return nil
	}}
}

func integer(p *int, least, most int) value {
	return value{kind: "number", plain: true, show: func() string { return strconv.Itoa(*p) }, parse: func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return fmt.Errorf("expected a whole number from %d to %d", least, most)
		}
		*p = n
		return nil
	}}
}

func duration(p *time.Duration, least time.Duration) value {
	return value{kind: "duration", show: func() string { return p.String() }, parse: func(s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d < least {
			return fmt.Errorf("expected a duration of %v or more, such as 500ms, 10s or 5m", least)
		}
		*p = d
		return nil
	}}
}

var sizeUnits = []struct {
	suffix string
	factor int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

func size(p *int64, least int64) value {
	show := func() string {
		for _, u := range sizeUnits {
			if *p >= u.factor && *p%u.factor == 0 {
				return strconv.FormatInt(*p/u.factor, 10) + u.suffix
			}
		}
		return strconv.FormatInt(*p, 10)
	}
	return value{kind: "size", show: show, parse: func(s string) error {
		for _, u := range sizeUnits {
			digits, ok := strings.CutSuffix(s, u.suffix)
			if !ok {
				continue
			}
			n, err := strconv.ParseInt(digits, 10, 64)
			if err != nil || n < 0 || n > (1<<62)/u.factor || n*u.factor < least {
				break
			}
			*p = n * u.factor
			return nil
		}
		return fmt.Errorf("expected a size of %d bytes or more, such as 512KiB or 20MiB", least)
	}}
}

func allowList(p *[]string) value {
	return value{kind: "list", show: func() string { return strings.Join(*p, ", ") }, parse: func(s string) error {
		items := splitList(s)
		if _, err := netguard.New(netguard.Policy{Allow: items}); err != nil {
			return err
		}
		*p = items
		return nil
	}}
}

func list(p *[]string) value {
	return value{kind: "list", show: func() string { return strings.Join(*p, ", ") }, parse: func(s string) error {
		*p = splitList(s)
		return nil
	}}
}

func prefixes(p *[]netip.Prefix) value {
	show := func() string {
		texts := make([]string, len(*p))
		for i, prefix := range *p {
			texts[i] = prefix.String()
		}
		return strings.Join(texts, ", ")
	}
	return value{kind: "list", show: show, parse: func(s string) error {
		var parsed []netip.Prefix
		for _, item := range splitList(s) {
			prefix, err := netip.ParsePrefix(item)
			if err != nil {
				return fmt.Errorf("%q is not an address range such as 10.0.0.0/8", item)
			}
			parsed = append(parsed, prefix.Masked())
		}
		*p = parsed
		return nil
	}}
}

// splitList splits a comma-separated list; a YAML sequence is joined that way.
func splitList(s string) []string {
	var items []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func level(p *slog.Level) value {
	return value{kind: "debug, info, warn, error", show: func() string { return strings.ToLower(p.String()) }, parse: func(s string) error {
		if !slices.Contains([]string{"debug", "info", "warn", "error"}, s) {
			return errors.New("expected one of debug, info, warn, error")
		}
		return p.UnmarshalText([]byte(s))
	}}
}

func location(p **time.Location) value {
	return value{kind: "time zone", show: func() string { return (*p).String() }, parse: func(s string) error {
		l, err := time.LoadLocation(s)
		if err != nil || s == "" || s == "Local" {
			return errors.New("expected an IANA name such as Europe/Paris")
		}
		*p = l
		return nil
	}}
}

func hostPort(p *string) value {
	return value{kind: "host:port", show: func() string { return *p }, parse: func(s string) error {
		_, port, err := net.SplitHostPort(s)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			return errors.New("expected host:port, such as 127.0.0.1:8480")
		}
		*p = s
		return nil
	}}
}

func webURL(p *string) value {
	return value{kind: "URL", show: func() string { return *p }, parse: func(s string) error {
		if s != "" {
			u, err := url.Parse(s)
			if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
				return errors.New("expected an address such as https://invoices.example.com")
			}
		}
		*p = strings.TrimRight(s, "/")
		return nil
	}}
}

func mailAddress(p *string) value {
	return value{kind: "mail address", show: func() string { return *p }, parse: func(s string) error {
		if s != "" {
			if _, err := mail.ParseAddress(s); err != nil {
				return errors.New("expected a mail address such as Invoices <invoices@example.com>")
			}
		}
		*p = s
		return nil
	}}
}

func secret(p *Secret) value {
	return value{kind: "secret", show: func() string { return p.String() }, parse: func(s string) error {
		*p = NewSecret(s)
		return nil
	}}
}

func dsn(p *DSN) value {
	return value{kind: "path or URL", show: func() string { return p.String() }, parse: func(s string) error {
		if scheme, _, ok := strings.Cut(s, "://"); ok && scheme != "postgres" && scheme != "postgresql" {
			return errors.New("expected an SQLite file or a postgres:// URL")
		} else if ok && !NewDSN(s).IsPostgres() {
			return errors.New("expected postgres://user:password@host/name; percent-encode special characters of the password")
		}
		*p = NewDSN(s)
		return nil
	}}
}
