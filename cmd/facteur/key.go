package main

import (
	"crypto/rand"
	"fmt"
	"strings"
	"text/tabwriter"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
)

type keyCmd struct {
	Create keyCreateCmd `cmd:"" help:"Create an API key; it is shown once."`
	List   keyListCmd   `cmd:"" help:"List the API keys."`
	Revoke keyRevokeCmd `cmd:"" help:"Make an API key useless, at once and for good."`
}

type keyCreateCmd struct {
	Tenant string `required:"" placeholder:"ID" help:"The key's tenant."`
	Name   string `required:"" placeholder:"NAME" help:"What the key is for, such as the program that uses it."`
	Role   string `default:"api" placeholder:"ROLE" help:"admin, operator, clerk, approver, auditor or api (default)."`
	User   string `placeholder:"EMAIL" help:"The user it belongs to."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// shownKey is a key with its secret, as it is shown once.
type shownKey struct {
	gateway.APIKey
	Key string `json:"key"`
}

// Run creates a key and prints it.
func (c keyCreateCmd) Run(ctx *appContext) error {
	for _, err := range []error{checkName("--name", c.Name), checkRole(c.Role)} {
		if err != nil {
			return err
		}
	}
	return administer(ctx, func(a *administration) error {
		t, err := a.tenant(ctx.Context, c.Tenant)
		if err != nil {
			return err
		}
		secret, err := access.NewAPIKey(string(t.Mode), rand.Reader)
		if err != nil {
			return err
		}
		k := gateway.APIKey{ID: secret.ID, Tenant: t.ID, Name: c.Name, Role: c.Role, SecretHash: secret.Hash(), CreatedAt: a.clock.Now()}
		if c.User != "" {
			owner, err := a.userByEmail(ctx.Context, c.User)
			if err != nil {
				return err
			}
			if owner.Tenant != t.ID || owner.DisabledAt != nil {
				return gateway.ErrState.With("the user "+c.User+" is disabled or of another tenant", nil)
			}
			k.UserID = owner.ID
		}
		err = a.store.For(t.ID).Write(ctx.Context, func(tx gateway.Tx) error {
			if err := tx.PutAPIKey(ctx.Context, k); err != nil {
				return err
			}
			return a.tell(ctx.Context, tx, "key.created", k.ID, map[string]string{"role": k.Role, "user": k.UserID}, map[string]string{"name": k.Name})
		})
		if err != nil {
			return err
		}
		if c.Format == "json" {
			return writeJSON(ctx.Stdout, shownKey{k, secret.Reveal()})
		}
		fmt.Fprintf(ctx.Stderr, "API key %s of tenant %s with role %s. Keep it now: it is not shown again.\n", k.ID, k.Tenant, k.Role)
		_, err = fmt.Fprintln(ctx.Stdout, secret.Reveal())
		return err
	})
}

type keyListCmd struct {
	Tenant string `placeholder:"ID" help:"Only this tenant's."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Run lists keys, never their secrets.
func (c keyListCmd) Run(ctx *appContext) error {
	return administer(ctx, func(a *administration) error {
		list, err := ofTenants(ctx.Context, a, c.Tenant, gateway.Reader.APIKeys)
		if err != nil {
			return err
		}
		if c.Format == "json" {
			return writeJSON(ctx.Stdout, list)
		}
		table := tabwriter.NewWriter(ctx.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "TENANT\tID\tROLE\tCREATED\tLAST USED\tREVOKED\tNAME")
		for _, k := range list {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.Tenant, k.ID, k.Role, day(&k.CreatedAt), day(k.LastUsedAt), day(k.RevokedAt), plain(k.Name))
		}
		return table.Flush()
	})
}

type keyRevokeCmd struct {
	ID     string `arg:"" help:"Id of the key (see key list)."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Run revokes a key. Doing it again changes nothing.
func (c keyRevokeCmd) Run(ctx *appContext) error {
	if strings.Contains(c.ID, "_") { // do not repeat a secret in a message
		return usageError("admin.key", "a key is revoked by its id, which is the third part of it", "see facteur key list")
	}
	return administer(ctx, func(a *administration) error {
		found, err := a.store.System().APIKey(ctx.Context, c.ID)
		if gateway.Code(err) == gateway.ErrNotFound.Code {
			return gateway.ErrNotFound.With("there is no API key "+c.ID, nil)
		}
		if err != nil {
			return err
		}
		var k gateway.APIKey
		err = a.store.For(found.Tenant).Write(ctx.Context, func(tx gateway.Tx) error {
			var err error
			if k, err = keyOf(ctx, tx, c.ID); err != nil || k.RevokedAt != nil {
				return err
			}
			now := a.clock.Now()
			k.RevokedAt = &now
			if err := tx.PutAPIKey(ctx.Context, k); err != nil {
				return err
			}
			return a.tell(ctx.Context, tx, "key.revoked", k.ID, nil, map[string]string{"name": k.Name})
		})
		if err != nil {
			return err
		}
		if c.Format == "json" {
			return writeJSON(ctx.Stdout, k)
		}
		_, err = fmt.Fprintf(ctx.Stdout, "API key %s (%s) of tenant %s revoked\n", k.ID, plain(k.Name), k.Tenant)
		return err
	})
}

// keyOf reads a key inside the transaction that changes it.
func keyOf(ctx *appContext, r gateway.Reader, id string) (gateway.APIKey, error) {
	keys, err := r.APIKeys(ctx.Context)
	if err != nil {
		return gateway.APIKey{}, err
	}
	for _, k := range keys {
		if k.ID == id {
			return k, nil
		}
	}
	return gateway.APIKey{}, gateway.ErrNotFound
}
