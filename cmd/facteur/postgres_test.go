package main

import (
	"strings"
	"testing"
	"time"

	"facteur.dev/facteur/internal/store/storetest"
)

// Administration and doctor do on PostgreSQL what they do on SQLite.
func TestOnPostgreSQL(t *testing.T) {
	var cluster storetest.Cluster
	t.Cleanup(cluster.Stop)
	url := cluster.Database(t)
	d := patient(t, map[string]string{"database": url})
	for range 2 { // the first migrated and wrote nothing that stays
		expect(t, d.bounded(t.Context(), "database", d.database), "warn database.old_schema")
	}
	command(t, 0, url, "", "tenant", "create", "acme", "--name", "Acme", "--mode", "live")
	command(t, 0, url, "correct horse battery", "user", "create", "zoe@acme.example", "--tenant", "acme", "--name", "Zoé", "--role", "clerk")
	command(t, 1, url, "correct horse battery", "user", "create", "Zoe@acme.example", "--tenant", "acme", "--name", "Zoé", "--role", "clerk")
	if list, _ := command(t, 0, url, "", "user", "list"); !strings.Contains(list, "zoe@acme.example") {
		t.Error(list)
	}
	expect(t, d.bounded(t.Context(), "database", d.database), "ok", "ok")
	late := *d
	late.now = func() time.Time { return time.Now().Add(-time.Hour) }
	expect(t, late.bounded(t.Context(), "database", late.database), "ok", "ok", "fail clock.behind")
}
