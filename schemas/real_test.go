package schemas

import (
	"context"
	"testing"
	"time"
)

// TestRealPacks reads the synced packs, every byte.
func TestRealPacks(t *testing.T) {
	c, err := Open(packsDir(t))
	if err != nil {
		t.Fatal(err)
	}
	problems := c.Verify(context.Background())
	if len(problems) == len(c.lock.files) {
		needPacks(t, "the official packs were not verified")
	}
	for _, p := range problems {
		t.Errorf("%s is %s", p.File, p.State)
	}
	for _, p := range c.Lock().Packs() {
		for _, f := range p.Entries() {
			if _, err := c.Path(p, f.Path); err != nil {
				t.Errorf("%s: %v", p.Name(), err)
			}
			if f.Root != "" && f.Namespace == "" && p.ID != "fr-flux10" { // Flux 10 has no namespace
				t.Errorf("%s: the entry %s has no namespace", p.Name(), f.Path)
			}
		}
		if _, err := c.Imports(p); err != nil {
			t.Errorf("%s: %v", p.Name(), err)
		}
	}
	start := time.Now()
	if err := Sync(context.Background(), packsDir(t), SyncOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Logf("a sync with nothing to do took %v", time.Since(start))
}

// TestExpectedIDs names the versions that the published expectations of test
// documents were made with.
func TestExpectedIDs(t *testing.T) {
	l, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, p := range l.Packs() {
		if p.ExpectedID != "" {
			found[p.ExpectedID] = p.Name()
		}
	}
	for id, want := range map[string]string{
		"cen-ubl-1.3.16": "cen-ubl@1.3.16", "peppol-2026.5-ubl": "peppol-ubl@2026.5", "peppol-2026.5-T01": "peppol-t01@2026.5",
	} {
		if found[id] != want {
			t.Errorf("%s is %q, want %s", id, found[id], want)
		}
	}
}
