package dropfolder

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"

	"facteur.dev/facteur/internal/gateway"
)

// receivedDir holds what customers' AP systems take: good received documents. A
// tenant that wants them makes the folder.
const receivedDir = "received"

// Deliver puts a received document into the tenant's folder "received". It
// reports false when the tenant has none. The file appears whole or not at all,
// and delivering it again changes nothing: a program that has taken it away gets
// it a second time, under the same name, only if the first time was not recorded.
func Deliver(_ context.Context, dir string, tenant gateway.TenantID, name string, content []byte) (bool, error) {
	if !tenant.Valid() || name != path.Base(name) || name == "." || name == ".." {
		return false, gateway.ErrInvalid.With("the name of a received document is not usable", nil)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return false, err
	}
	defer root.Close()
	folder, err := root.OpenRoot(path.Join(string(tenant), receivedDir))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer folder.Close()
	temporary := "." + name + ".part"
	if err := writeWhole(folder, temporary, content); err != nil {
		return false, errors.Join(err, folder.Remove(temporary))
	}
	return true, folder.Rename(temporary, name)
}

// writeWhole writes a file and makes it durable.
func writeWhole(folder *os.Root, name string, content []byte) error {
	f, err := folder.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o660)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}
