package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

type tenantCmd struct {
	Create tenantCreateCmd `cmd:"" help:"Create a tenant."`
	List   tenantListCmd   `cmd:"" help:"List the tenants."`
}

type tenantCreateCmd struct {
	ID       string `arg:"" help:"Id: 1 to 64 of a-z, 0-9, - and _."`
	Name     string `required:"" placeholder:"NAME" help:"Name that people see."`
	Mode     string `required:"" enum:"live,test" placeholder:"live|test" help:"live sends to real addresses; in test nothing leaves the gateway. It cannot be changed later."`
	Language string `enum:",en,fr" default:"" placeholder:"en|fr" help:"Language of its people (default: the configured one)."`
	TimeZone string `placeholder:"ZONE" help:"Time zone that decides which day it is, such as Europe/Paris (default: the configured one)."`
	Format   string `enum:"text,json" default:"text" help:"text or json."`
}

// Run creates a tenant.
func (c tenantCreateCmd) Run(ctx *appContext) error {
	conf, err := ctx.Config()
	if err != nil {
		return err
	}
	t := gateway.Tenant{ID: gateway.TenantID(c.ID), Name: c.Name, Mode: gateway.Mode(c.Mode), Language: c.Language, TimeZone: c.TimeZone}
	if t.Language == "" {
		t.Language = conf.Language
	}
	if t.TimeZone == "" {
		t.TimeZone = conf.TimeZone.String()
	}
	if !t.ID.Valid() {
		return usageError("admin.tenant", fmt.Sprintf("%q cannot be a tenant's id", c.ID), `use 1 to 64 of a-z, 0-9, "-" and "_", beginning with a letter or digit`)
	}
	if err := checkName("--name", t.Name); err != nil {
		return err
	}
	if _, err := time.LoadLocation(t.TimeZone); err != nil || t.TimeZone == "Local" {
		return usageError("admin.time_zone", "--time-zone: there is no time zone "+t.TimeZone, "give an IANA name such as Europe/Paris")
	}
	return administer(ctx, func(a *administration) error {
		t.CreatedAt = a.clock.Now()
		if err := a.store.System().CreateTenant(ctx.Context, t); err != nil {
			return err
		}
		err := a.store.For(t.ID).Write(ctx.Context, func(tx gateway.Tx) error {
			return a.tell(ctx.Context, tx, "tenant.created", string(t.ID), map[string]string{"mode": string(t.Mode)}, nil)
		})
		if err != nil {
			return err
		}
		if c.Format == "json" {
			return writeJSON(ctx.Stdout, t)
		}
		_, err = fmt.Fprintf(ctx.Stdout, "tenant %s created, in %s mode\n", t.ID, t.Mode)
		return err
	})
}

type tenantListCmd struct {
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Run lists the tenants.
func (c tenantListCmd) Run(ctx *appContext) error {
	return administer(ctx, func(a *administration) error {
		list, err := a.tenants(ctx.Context, "")
		if err != nil {
			return err
		}
		if c.Format == "json" {
			return writeJSON(ctx.Stdout, append([]gateway.Tenant{}, list...))
		}
		table := tabwriter.NewWriter(ctx.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tMODE\tLANGUAGE\tTIME ZONE\tCREATED\tNAME")
		for _, t := range list {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Mode, t.Language, t.TimeZone, day(&t.CreatedAt), plain(t.Name))
		}
		return table.Flush()
	})
}
