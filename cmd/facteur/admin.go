package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/mail"
	"os/user"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
)

// administration is what the commands tenant, user and key do to the configured
// database. Each change and the event that tells it are one transaction.
type administration struct {
	store    gateway.Store
	ids      gateway.IDs
	clock    gateway.Clock
	operator string // account of the machine that runs the command
}

// administrator is who acts, as events name it.
var administrator = gateway.Actor{Kind: "system", ID: "command_line"}

// administer opens the configured database and runs fn on it.
func administer(ctx *appContext, fn func(a *administration) error) error {
	conf, err := ctx.Config()
	if err != nil {
		return err
	}
	store, closeStore, err := openStore(ctx.Context, conf)
	if err != nil {
		return err
	}
	a := &administration{store: store, ids: gateway.NewIDs(clock(ctx.Now), rand.Reader), clock: clock(ctx.Now)}
	if account, err := user.Current(); err == nil {
		a.operator = account.Username
	}
	err = fn(a)
	if closed := closeStore(); err == nil {
		err = closed
	}
	return storeError(err)
}

// tell writes the event of a change. What is about people is personal: it can be
// erased.
func (a *administration) tell(ctx context.Context, tx gateway.Tx, what, id string, details, personal map[string]string) error {
	data := map[string]string{"what": what, "id": id}
	for name, value := range details {
		data[name] = value
	}
	encoded, err := json.Marshal(data)
	if err != nil {
		return err
	}
	about := map[string]string{}
	if a.operator != "" {
		about["operator"] = a.operator
	}
	for name, value := range personal {
		about[name] = value
	}
	now := a.clock.Now()
	return gateway.Append(ctx, tx, nil, gateway.Event{
		ID: a.ids.New(gateway.PrefixEvent), Type: gateway.EventAccessChanged, At: now, RecordedAt: now,
		Actor: administrator, Data: encoded, Personal: about,
	})
}

// tenants are all tenants, or the one that is named.
func (a *administration) tenants(ctx context.Context, only string) ([]gateway.Tenant, error) {
	all, err := a.store.System().Tenants(ctx)
	if err != nil || only == "" {
		return all, err
	}
	for _, t := range all {
		if string(t.ID) == only {
			return []gateway.Tenant{t}, nil
		}
	}
	return nil, gateway.ErrNotFound.With("there is no tenant "+only, nil)
}

// tenant is the one that is named.
func (a *administration) tenant(ctx context.Context, id string) (gateway.Tenant, error) {
	list, err := a.tenants(ctx, id)
	if err != nil {
		return gateway.Tenant{}, err
	}
	return list[0], nil
}

// userByEmail finds a person of any tenant.
func (a *administration) userByEmail(ctx context.Context, email string) (gateway.User, error) {
	u, err := a.store.System().UserByEmail(ctx, email)
	if gateway.Code(err) == gateway.ErrNotFound.Code {
		return u, gateway.ErrNotFound.With("there is no user "+email, nil)
	}
	return u, err
}

// maxName bounds the names of tenants, people and keys, in bytes.
const maxName = 200

// checkName refuses names that nobody could read.
func checkName(flag, name string) error {
	if strings.TrimSpace(name) == "" || len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return usageError("admin.name", flag+": expected a name of at most 200 bytes, without control characters", "")
	}
	return nil
}

// checkEmail refuses what is not a bare mail address.
func checkEmail(email string) error {
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || len(email) > 254 || strings.ContainsFunc(email, unicode.IsControl) {
		return usageError("admin.email", "expected a mail address such as anna@example.com, found "+email, "")
	}
	return nil
}

// checkRole refuses a role that does not exist.
func checkRole(role string) error {
	if access.ValidRole(access.Role(role)) {
		return nil
	}
	return usageError("admin.role", "there is no role "+role, "the roles are "+roles())
}

// roles lists the roles for messages.
func roles() string {
	names := make([]string, 0, len(access.Roles()))
	for _, r := range access.Roles() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

// writeJSON prints a value for programs.
func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// day shows a moment in a list.
func day(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}
