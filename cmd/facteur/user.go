package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"text/tabwriter"

	"facteur.dev/facteur/internal/access"
	"facteur.dev/facteur/internal/gateway"
)

type userCmd struct {
	Create   userCreateCmd   `cmd:"" help:"Create a user; the password is asked for, or read from standard input."`
	List     userListCmd     `cmd:"" help:"List the users."`
	Disable  userDisableCmd  `cmd:"" help:"Keep a user from signing in."`
	Enable   userEnableCmd   `cmd:"" help:"Let a disabled user sign in again."`
	Password userPasswordCmd `cmd:"" help:"Set a user's password, asked for or read from standard input."`
}

type userCreateCmd struct {
	Email  string `arg:"" help:"Mail address the user signs in with."`
	Tenant string `required:"" placeholder:"ID" help:"The user's tenant."`
	Name   string `required:"" placeholder:"NAME" help:"Full name, as decisions are signed with."`
	Role   string `required:"" placeholder:"ROLE" help:"admin, operator, clerk, approver, auditor or api."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Run creates a user.
func (c userCreateCmd) Run(ctx *appContext) error {
	for _, err := range []error{checkEmail(c.Email), checkName("--name", c.Name), checkRole(c.Role)} {
		if err != nil {
			return err
		}
	}
	hash, err := newPassword(ctx)
	if err != nil {
		return err
	}
	return administer(ctx, func(a *administration) error {
		t, err := a.tenant(ctx.Context, c.Tenant)
		if err != nil {
			return err
		}
		u := gateway.User{
			ID: a.ids.New(gateway.PrefixUser), Tenant: t.ID, Name: c.Name, Email: c.Email, Role: c.Role,
			PasswordHash: hash, CreatedAt: a.clock.Now(),
		}
		err = a.store.For(t.ID).Write(ctx.Context, func(tx gateway.Tx) error {
			if err := tx.PutUser(ctx.Context, u); err != nil {
				return err
			}
			return a.tell(ctx.Context, tx, "user.created", u.ID, map[string]string{"role": u.Role}, map[string]string{"name": u.Name, "email": u.Email})
		})
		if err != nil {
			return err
		}
		return printUser(ctx, c.Format, u, "created with role "+u.Role)
	})
}

// printUser tells what was done to a user.
func printUser(ctx *appContext, format string, u gateway.User, done string) error {
	if format == "json" {
		return writeJSON(ctx.Stdout, u)
	}
	_, err := fmt.Fprintf(ctx.Stdout, "user %s (%s) of tenant %s %s\n", plain(u.Email), u.ID, u.Tenant, done)
	return err
}

type userListCmd struct {
	Tenant string `placeholder:"ID" help:"Only this tenant's."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Run lists users.
func (c userListCmd) Run(ctx *appContext) error {
	return administer(ctx, func(a *administration) error {
		list, err := ofTenants(ctx.Context, a, c.Tenant, gateway.Reader.Users)
		if err != nil {
			return err
		}
		if c.Format == "json" {
			return writeJSON(ctx.Stdout, list)
		}
		table := tabwriter.NewWriter(ctx.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "TENANT\tE-MAIL\tROLE\tCREATED\tDISABLED\tNAME\tID")
		for _, u := range list {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", u.Tenant, plain(u.Email), u.Role, day(&u.CreatedAt), day(u.DisabledAt), plain(u.Name), u.ID)
		}
		return table.Flush()
	})
}

// ofTenants lists what all tenants have, or the one that is named.
func ofTenants[T any](ctx context.Context, a *administration, only string, list func(gateway.Reader, context.Context) ([]T, error)) ([]T, error) {
	tenants, err := a.tenants(ctx, only)
	if err != nil {
		return nil, err
	}
	all := []T{}
	for _, t := range tenants {
		var found []T
		err := a.store.For(t.ID).Read(ctx, func(r gateway.Reader) (err error) {
			found, err = list(r, ctx)
			return err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

type userDisableCmd struct {
	Email  string `arg:"" help:"Mail address of the user."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Run disables a user. Doing it again changes nothing.
func (c userDisableCmd) Run(ctx *appContext) error {
	return changeUser(ctx, c.Email, c.Format, "user.disabled", "disabled", func(a *administration, u *gateway.User) bool {
		if u.DisabledAt != nil {
			return false
		}
		now := a.clock.Now()
		u.DisabledAt = &now
		return true
	})
}

type userEnableCmd struct {
	Email  string `arg:"" help:"Mail address of the user."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Run enables a user. Doing it again changes nothing.
func (c userEnableCmd) Run(ctx *appContext) error {
	return changeUser(ctx, c.Email, c.Format, "user.enabled", "enabled", func(_ *administration, u *gateway.User) bool {
		was := u.DisabledAt
		u.DisabledAt = nil
		return was != nil
	})
}

type userPasswordCmd struct {
	Email  string `arg:"" help:"Mail address of the user."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Run sets a password.
func (c userPasswordCmd) Run(ctx *appContext) error {
	hash, err := newPassword(ctx)
	if err != nil {
		return err
	}
	return changeUser(ctx, c.Email, c.Format, "user.password_set", "has a new password", func(_ *administration, u *gateway.User) bool {
		u.PasswordHash = hash
		return true
	})
}

// changeUser changes a user and tells it, unless change says that there is
// nothing to change.
func changeUser(ctx *appContext, email, format, what, done string, change func(a *administration, u *gateway.User) bool) error {
	return administer(ctx, func(a *administration) error {
		found, err := a.userByEmail(ctx.Context, email)
		if err != nil {
			return err
		}
		var u gateway.User
		err = a.store.For(found.Tenant).Write(ctx.Context, func(tx gateway.Tx) (err error) {
			if u, err = tx.User(ctx.Context, found.ID); err != nil || !change(a, &u) {
				return err
			}
			if err := tx.PutUser(ctx.Context, u); err != nil {
				return err
			}
			return a.tell(ctx.Context, tx, what, u.ID, nil, map[string]string{"name": u.Name, "email": u.Email})
		})
		if err != nil {
			return err
		}
		return printUser(ctx, format, u, done)
	})
}

// newPassword reads a new password and returns its hash.
func newPassword(ctx *appContext) (string, error) {
	password, err := readPassword(ctx)
	if err != nil {
		return "", err
	}
	hash, err := access.HashPassword(password, rand.Reader)
	if errors.Is(err, access.ErrPasswordForm) {
		return "", usageError("admin.password", fmt.Sprintf("the password is too short or too long: give at least %d characters", access.MinPassword), "")
	}
	return hash, err
}
