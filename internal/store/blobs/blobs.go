// Package blobs keeps bytes in files, addressed by tenant and SHA-256. It
// implements gateway.Blobs.
//
// A blob is the file tenant/ab/abcd…, where "ab" begins its hash. It is written
// to a temporary file that is flushed and then renamed, and the folder is
// flushed after that: at every moment a name either is missing or has all of its
// bytes, and a name that Put has given survives a loss of power. What a crash
// leaves behind stands under .tmp and is removed when the folder is opened.
// Reading checks the hash before it gives a byte.
package blobs

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"facteur.dev/facteur/internal/gateway"
)

// DefaultLimit is the size of the largest blob taken, in bytes, where none is given.
const DefaultLimit = 100 << 20

// ErrTooLarge says that a blob is larger than the limit.
var ErrTooLarge = &gateway.Error{Code: "too_large", Message: "the document is larger than the limit"}

// ErrDamaged says that a stored blob no longer has the bytes it is named after.
var ErrDamaged = &gateway.Error{Code: "blob_damaged", Message: "a stored document is damaged; restore it from a backup"}

const temporary = ".tmp" // no tenant's name begins with a dot

// leftover is the age from which a temporary file belongs to no one alive.
const leftover = time.Hour

// Disk is a folder of blobs. Several processes may use one folder.
type Disk struct {
	root  *os.Root // nothing outside can be named
	limit int64
	known sync.Map // folders that are durable
}

var _ gateway.Blobs = (*Disk)(nil)

// Open opens a folder, which it creates if need be for the user alone, and
// removes what crashes have left behind. limit is the size of the largest blob;
// 0 means DefaultLimit.
func Open(dir string, limit int64, clock gateway.Clock) (*Disk, error) {
	if err := os.MkdirAll(filepath.Join(dir, temporary), 0o700); err != nil {
		return nil, gateway.ErrUnavailable.With("the folder of documents cannot be made", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, gateway.ErrUnavailable.With("the folder of documents cannot be opened", err)
	}
	if limit <= 0 {
		limit = DefaultLimit
	}
	d := &Disk{root: root, limit: limit}
	if err := d.clean(clock.Now()); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return d, nil
}

// Close closes the folder.
func (d *Disk) Close() error { return d.root.Close() }

// clean removes temporary files that nobody is writing any more.
func (d *Disk) clean(now time.Time) error {
	entries, err := fs.ReadDir(d.root.FS(), temporary)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || now.Sub(info.ModTime()) < leftover {
			continue // gone meanwhile, or perhaps another process's
		}
		if err := d.root.Remove(filepath.Join(temporary, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Put implements gateway.Blobs. What it returns nil for is on the disk.
func (d *Disk) Put(ctx context.Context, tenant gateway.TenantID, data []byte) (string, error) {
	if int64(len(data)) > d.limit {
		return "", ErrTooLarge.With(fmt.Sprintf("the document is larger than %d bytes", d.limit), nil)
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	name, err := place(tenant, hash)
	if err != nil {
		return "", err
	}
	if err := d.put(name, data); err != nil {
		return "", gateway.ErrUnavailable.With("the document cannot be stored", err)
	}
	return hash, nil
}

func (d *Disk) put(name string, data []byte) error {
	folder := filepath.Dir(name)
	if err := d.mkdir(folder); err != nil {
		return err
	}
	// The same bytes again are nothing, but damaged ones are mended. Who wrote the
	// file may not have flushed the folder yet.
	if stored, err := d.root.ReadFile(name); err == nil && bytes.Equal(stored, data) {
		return d.flush(folder)
	}
	made, err := d.write(data)
	if err != nil {
		return err
	}
	if err := d.root.Rename(made, name); err != nil {
		return errors.Join(err, d.root.Remove(made))
	}
	return d.flush(folder)
}

// mkdir makes a tenant's folder for hashes that begin alike. Who made an
// existing one may not have flushed it yet: each process does so once.
func (d *Disk) mkdir(folder string) error {
	if _, ok := d.known.Load(folder); ok {
		return nil
	}
	tenant := filepath.Dir(folder)
	for _, step := range []struct{ dir, parent string }{{tenant, "."}, {folder, tenant}} {
		if err := d.root.Mkdir(step.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := d.flush(step.parent); err != nil {
			return err
		}
	}
	d.known.Store(folder, true)
	return nil
}

// write puts data into a temporary file, flushed, and gives its name.
func (d *Disk) write(data []byte) (name string, err error) {
	name = filepath.Join(temporary, rand.Text())
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return "", errors.Join(err, d.root.Remove(name))
	}
	return name, nil
}

// flush makes the names in a folder durable.
func (d *Disk) flush(folder string) error {
	f, err := d.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Get implements gateway.Blobs.
func (d *Disk) Get(ctx context.Context, tenant gateway.TenantID, hash string) ([]byte, error) {
	f, size, err := d.open(ctx, tenant, hash)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, size)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, ErrDamaged.With("", err).For(hash)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != hash {
		return nil, ErrDamaged.For(hash)
	}
	return data, nil
}

// Open implements gateway.Blobs. The bytes are read twice: once to check them,
// then for the caller.
func (d *Disk) Open(ctx context.Context, tenant gateway.TenantID, hash string) (io.ReadCloser, int64, error) {
	f, size, err := d.open(ctx, tenant, hash)
	if err != nil {
		return nil, 0, err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	if err == nil && hex.EncodeToString(sum.Sum(nil)) != hash {
		err = errors.New("the hash is another one")
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, 0, errors.Join(ErrDamaged.With("", err).For(hash), f.Close())
	}
	return f, size, nil
}

func (d *Disk) open(ctx context.Context, tenant gateway.TenantID, hash string) (*os.File, int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	name, err := place(tenant, hash)
	if err != nil {
		return nil, 0, err
	}
	f, err := d.root.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, gateway.ErrNotFound.With("there is no such document", err).For(hash)
	case err != nil:
		return nil, 0, gateway.ErrUnavailable.With("the document cannot be read", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(gateway.ErrUnavailable.With("the document cannot be read", err), f.Close())
	}
	return f, info.Size(), nil
}

// place gives the file of a blob.
func place(tenant gateway.TenantID, hash string) (string, error) {
	if !tenant.Valid() {
		return "", gateway.ErrInvalid.With("this cannot be a tenant's id", nil)
	}
	if len(hash) != hex.EncodedLen(sha256.Size) {
		return "", gateway.ErrNotFound.With("there is no such document", nil).For(hash)
	}
	for i := range len(hash) {
		if c := hash[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", gateway.ErrNotFound.With("there is no such document", nil).For(hash)
		}
	}
	return filepath.Join(string(tenant), hash[:2], hash), nil
}
