package storetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"facteur.dev/facteur/internal/gateway"
)

// RunBlobs holds an implementation of gateway.Blobs to its contract. open gives
// an empty one that takes at least 2 MiB.
func RunBlobs(t *testing.T, open func(t testing.TB) gateway.Blobs) {
	ctx := t.Context()
	blobs := open(t)
	check := func(t *testing.T, tenant gateway.TenantID, want []byte) {
		t.Helper()
		hash := hashOf(want)
		got, err := blobs.Get(ctx, tenant, hash)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %d bytes, %v; want %d", len(got), err, len(want))
		}
		r, size, err := blobs.Open(ctx, tenant, hash)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		got, err = io.ReadAll(r)
		if err != nil || size != int64(len(want)) || !bytes.Equal(got, want) {
			t.Fatalf("read %d bytes of %d, %v; want %d", len(got), size, err, len(want))
		}
	}
	absent := func(t *testing.T, tenant gateway.TenantID, hash string, want *gateway.Error) {
		t.Helper()
		if _, err := blobs.Get(ctx, tenant, hash); gateway.Code(err) != want.Code {
			t.Errorf("Get(%q, %.20q): %v, want %s", tenant, hash, err, want.Code)
		}
		if _, _, err := blobs.Open(ctx, tenant, hash); gateway.Code(err) != want.Code {
			t.Errorf("Open(%q, %.20q): %v, want %s", tenant, hash, err, want.Code)
		}
	}

	t.Run("what is put is got", func(t *testing.T) {
		for _, data := range [][]byte{{}, []byte("a"), []byte("<Invoice/>"), bytes.Repeat([]byte{0, 255, 7}, 700_000)} {
			for range 2 { // again is nothing
				hash, err := blobs.Put(ctx, "acme", data)
				if err != nil || hash != hashOf(data) {
					t.Fatalf("put as %s, %v", hash, err)
				}
				check(t, "acme", data)
			}
		}
	})
	t.Run("another tenant finds nothing", func(t *testing.T) {
		hash, err := blobs.Put(ctx, "acme", []byte("secret"))
		if err != nil {
			t.Fatal(err)
		}
		absent(t, "other", hash, gateway.ErrNotFound)
		if _, err := blobs.Put(ctx, "other", []byte("secret")); err != nil {
			t.Fatal(err)
		}
		check(t, "other", []byte("secret"))
	})
	t.Run("names that are none", func(t *testing.T) {
		hash := hashOf([]byte("secret"))
		for _, bad := range []string{"", "x", "../" + hash[3:], strings.ToUpper(hash), hash + "0", hash[:63] + "/", hash[:63] + "\x00", strings.Repeat("../", 21) + "x"} {
			absent(t, "acme", bad, gateway.ErrNotFound)
		}
		for _, bad := range []gateway.TenantID{"", ".", "..", ".tmp", "a/b", "../acme", "Acme", "a\x00", "é"} {
			absent(t, bad, hash, gateway.ErrInvalid)
			if _, err := blobs.Put(ctx, bad, []byte("x")); gateway.Code(err) != gateway.ErrInvalid.Code {
				t.Errorf("put for tenant %q: %v", bad, err)
			}
		}
	})
	t.Run("many at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for n := range 16 {
			wg.Go(func() {
				for i := range 10 {
					data := fmt.Appendf(nil, "document %d", (n+i)%12) // the same ones from several sides
					if _, err := blobs.Put(ctx, "acme", data); err != nil {
						t.Error(err)
						return
					}
					if got, err := blobs.Get(ctx, "acme", hashOf(data)); err != nil || !bytes.Equal(got, data) {
						t.Errorf("got %q, %v; want %q", got, err, data)
					}
				}
			})
		}
		wg.Wait()
	})
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
