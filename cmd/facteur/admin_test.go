package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/config"
	"facteur.dev/facteur/internal/gateway"
)

// command runs the command line on a database and returns what it printed.
func command(t *testing.T, want int, database, stdin string, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	args = append([]string{"--set", "database=" + database}, args...)
	if got := run(args, strings.NewReader(stdin), &out, &errs, nil); got != want {
		t.Fatalf("%s: status %d, want %d\n%s%s", strings.Join(args, " "), got, want, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

// readStore opens the database of a test and reads one tenant of it.
func readStore(t *testing.T, database string, tenant gateway.TenantID, fn func(ctx context.Context, r gateway.Reader) error) {
	t.Helper()
	conf, err := config.Load(config.Sources{NoFile: true, Flags: map[string]string{"database": database}})
	if err != nil {
		t.Fatal(err)
	}
	store, closeStore, err := openStore(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore()
	if err := store.For(tenant).Read(t.Context(), func(r gateway.Reader) error { return fn(t.Context(), r) }); err != nil {
		t.Fatal(err)
	}
}

// Every change is an event of the tenant's log; what changes nothing is none,
// and names and addresses of people stand where they can be erased.
func TestAdministrationIsTold(t *testing.T) {
	db := filepath.Join(t.TempDir(), "new", "facteur.db")
	command(t, 0, db, "", "tenant", "create", "acme", "--name", "Acme", "--mode", "live")
	command(t, 0, db, "", "tenant", "create", "other", "--name", "Other", "--mode", "test")
	command(t, 0, db, "first password", "user", "create", "zoé@acme.example", "--tenant", "acme", "--name", "Zoé", "--role", "operator")
	command(t, 0, db, "second password\r\n", "user", "password", "ZOÉ@acme.example")
	key, _ := command(t, 0, db, "", "key", "create", "--tenant", "acme", "--name", "ERP", "--user", "zoé@acme.example")
	parsed, err := access.ParseAPIKey(strings.TrimSpace(key))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		command(t, 0, db, "", "user", "disable", "zoé@acme.example")
		command(t, 0, db, "", "key", "revoke", parsed.ID)
	}
	command(t, 1, db, "", "key", "create", "--tenant", "acme", "--name", "late", "--user", "zoé@acme.example")

	readStore(t, db, "acme", func(ctx context.Context, r gateway.Reader) error {
		events, err := r.Unsealed(ctx, 100)
		if err != nil {
			return err
		}
		var told []string
		for _, e := range events {
			var data map[string]string
			if err := json.Unmarshal(e.Data, &data); err != nil {
				t.Fatal(err)
			}
			if e.Type != gateway.EventAccessChanged || e.Actor != administrator || data["id"] == "" || e.Personal["operator"] == "" {
				t.Errorf("event %+v", e)
			}
			if strings.Contains(string(e.Data), "Zo") || strings.Contains(string(e.Data), "ERP") {
				t.Errorf("personal data in %s", e.Data)
			}
			if strings.HasPrefix(data["what"], "user.") && e.Personal["email"] != "zoé@acme.example" {
				t.Errorf("personal %v", e.Personal)
			}
			told = append(told, data["what"])
		}
		want := []string{"tenant.created", "user.created", "user.password_set", "key.created", "user.disabled", "key.revoked"}
		if !slices.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
		users, err := r.Users(ctx)
		if err != nil || len(users) != 1 {
			t.Fatalf("%v %v", users, err)
		}
		if ok, _ := access.CheckPassword(users[0].PasswordHash, "second password"); !ok || users[0].DisabledAt == nil {
			t.Errorf("user %+v", users[0])
		}
		keys, err := r.APIKeys(ctx)
		if err != nil || len(keys) != 1 {
			t.Fatalf("%v %v", keys, err)
		}
		if !parsed.Matches(keys[0].SecretHash) || keys[0].RevokedAt == nil || keys[0].UserID != users[0].ID || parsed.Mode != access.ModeLive {
			t.Errorf("key %+v", keys[0])
		}
		return nil
	})
	readStore(t, db, "other", func(ctx context.Context, r gateway.Reader) error {
		events, err := r.Unsealed(ctx, 100)
		if len(events) != 1 {
			t.Errorf("%d events of another tenant", len(events))
		}
		return err
	})
}

// Input that is no password is refused before the database is touched.
func TestPasswordInput(t *testing.T) {
	for name, stdin := range map[string]io.Reader{
		"nothing":      strings.NewReader(""),
		"line break":   strings.NewReader("\n"),
		"two lines":    strings.NewReader("correct horse\nbattery staple\n"),
		"carriage":     strings.NewReader("correct\rhorse battery staple"),
		"NUL":          strings.NewReader("correct horse\x00battery"),
		"endless":      zeros{},
		"not UTF-8":    strings.NewReader("correct horse battery \xff"),
		"long as such": strings.NewReader(strings.Repeat("x", 1025)),
	} {
		db := filepath.Join(t.TempDir(), "facteur.db")
		var out, errs bytes.Buffer
		args := []string{"--set", "database=" + db, "user", "create", "a@example.com", "--tenant", "a", "--name", "A", "--role", "clerk"}
		if got := run(args, stdin, &out, &errs, nil); got != statusUsage || !strings.Contains(errs.String(), "[admin.password]") {
			t.Errorf("%s: status %d, %s", name, got, errs.String())
		}
		if found, _ := filepath.Glob(db + "*"); len(found) > 0 {
			t.Errorf("%s: there is %v", name, found)
		}
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
