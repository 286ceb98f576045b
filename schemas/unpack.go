package schemas

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// readAtMost reads up to size+1 bytes.
func readAtMost(r io.Reader, size int64) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	_, err := io.Copy(b, io.LimitReader(r, size+1))
	return b.Bytes(), err
}

// checkArchive reports whether the file is the locked archive: nil, or an
// error that says how it differs.
func checkArchive(name string, a Archive) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(f, a.Size+1))
	if err != nil {
		return err
	}
	if n != a.Size {
		return changed(a, fmt.Sprintf("its size is not %d bytes", a.Size))
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != a.SHA256 {
		return changed(a, "its SHA-256 is "+got)
	}
	return nil
}

func changed(a Archive, how string) error {
	return &Error{
		Code: CodeChanged, Message: fmt.Sprintf("the archive %s is not the locked one: %s", a.File, how),
		Remedy: "fetch it from its publisher again, or from another mirror",
	}
}

// unpack writes the locked files of an archive below dir. Only paths that the
// lock names are read, each up to its locked size, and written only when the
// SHA-256 is right; what else the archive holds is not looked at.
func (l *Lock) unpack(archive, dir string, a Archive) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return changed(a, "it is not a ZIP file")
	}
	defer z.Close()
	members := make(map[string]*zip.File, len(z.File))
	for _, m := range z.File {
		members[m.Name] = m
	}
	for _, f := range l.files {
		if f.archive != a.ID {
			continue
		}
		m, ok := members[f.Path]
		if !ok {
			return changed(a, "it has no file "+f.Path)
		}
		if err := unpackFile(m, filepath.Join(dir, a.ID, filepath.FromSlash(f.Path)), f.File, a); err != nil {
			return err
		}
	}
	return nil
}

func unpackFile(m *zip.File, target string, f File, a Archive) error {
	r, err := m.Open()
	if err != nil {
		return changed(a, f.Path+" cannot be unpacked")
	}
	defer r.Close()
	b, err := readAtMost(r, f.Size)
	if err != nil {
		return changed(a, f.Path+" cannot be unpacked")
	}
	if hexSum(b) != f.SHA256 {
		return changed(a, f.Path+" is not the locked file")
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return os.WriteFile(target, b, 0o444)
}
