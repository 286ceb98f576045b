package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"facteur.dev/facteur/internal/gateway"
)

// LogSize implements gateway.LogReader.
func (s *session) LogSize(ctx context.Context) (int64, error) {
	var size int64
	err := s.get(ctx, []any{num(&size)}, "SELECT MAX(size) FROM logs WHERE tenant = ?", string(s.tenant))
	return size, err
}

// LogRoot implements gateway.LogReader.
func (s *session) LogRoot(ctx context.Context) ([]byte, error) {
	var root []byte
	err := s.get(ctx, []any{bytes{&root}}, "SELECT root FROM logs WHERE tenant = ? AND root IS NOT NULL", string(s.tenant))
	return root, err
}

// LogLeaf implements gateway.LogReader.
func (s *session) LogLeaf(ctx context.Context, seq int64) ([]byte, error) {
	var leaf []byte
	err := s.get(ctx, []any{bytes{&leaf}}, "SELECT leaf FROM log_leaves WHERE tenant = ? AND seq = ?", string(s.tenant), seq)
	return leaf, err
}

// hashesPerQuery bounds the parameters of one statement.
const hashesPerQuery = 200

// LogHashes implements gateway.LogReader.
func (s *session) LogHashes(ctx context.Context, indexes []int64) ([][]byte, error) {
	found := make(map[int64][]byte, len(indexes))
	for rest := indexes; len(rest) > 0; {
		some := rest[:min(len(rest), hashesPerQuery)]
		rest = rest[len(some):]
		args := []any{string(s.tenant)}
		for _, n := range some {
			args = append(args, n)
		}
		err := s.query(ctx, func(rows *sql.Rows) error {
			var n int64
			var hash []byte
			err := rows.Scan(&n, bytes{&hash})
			found[n] = hash
			return err
		}, "SELECT n, hash FROM log_hashes WHERE tenant = ? AND n IN ("+marks(len(some))+")", args...)
		if err != nil {
			return nil, err
		}
	}
	hashes := make([][]byte, len(indexes))
	for i, n := range indexes {
		if hashes[i] = found[n]; hashes[i] == nil {
			return nil, gateway.ErrNotFound.With(fmt.Sprintf("the log has no hash %d", n), nil)
		}
	}
	return hashes, nil
}

// Salts implements gateway.LogReader.
func (s *session) Salts(ctx context.Context, eventID string) (map[string][]byte, error) {
	var salts map[string][]byte
	err := s.get(ctx, []any{asJSON(&salts)}, "SELECT salts FROM event_personal WHERE tenant = ? AND event_id = ? AND salts IS NOT NULL", string(s.tenant), eventID)
	return salts, err
}

// AppendLog implements gateway.Tx. The salts of an event whose personal fields
// were erased meanwhile are not kept: with one, a commitment could be guessed.
func (s *session) AppendLog(ctx context.Context, from int64, leaves []gateway.LogEntry, hashes [][]byte, root []byte) error {
	size := from + int64(len(leaves))
	first := tlog.StoredHashCount(from)
	if from < 0 || int64(len(hashes)) != tlog.StoredHashCount(size)-first {
		return gateway.ErrInvalid.With(fmt.Sprintf("%d leaves after %d need %d hashes, not %d", len(leaves), from, tlog.StoredHashCount(size)-first, len(hashes)), nil)
	}
	if _, err := s.exec(ctx, "INSERT INTO logs (tenant, size) VALUES (?, 0) ON CONFLICT (tenant) DO NOTHING", string(s.tenant)); err != nil {
		return err
	}
	moved, err := s.exec(ctx, "UPDATE logs SET size = ?, root = ? WHERE tenant = ? AND size = ?", size, root, string(s.tenant), from)
	if err != nil {
		return err
	}
	if moved == 0 {
		return gateway.ErrConflict.With("the log has grown meanwhile", nil)
	}
	for i, leaf := range leaves {
		if err := s.appendLeaf(ctx, leaf, from+int64(i)+1); err != nil {
			return err
		}
	}
	for i, hash := range hashes {
		if len(hash) != sha256.Size {
			return s.fail(gateway.ErrInvalid.With(fmt.Sprintf("hash %d is %d bytes long", i, len(hash)), nil))
		}
		if _, err := s.exec(ctx, "INSERT INTO log_hashes (tenant, n, hash) VALUES (?, ?, ?)", string(s.tenant), first+int64(i), hash); err != nil {
			return err
		}
	}
	return nil
}

// appendLeaf stores one sealed event. What is written already is rolled back
// when it does not fit.
func (s *session) appendLeaf(ctx context.Context, leaf gateway.LogEntry, seq int64) error {
	if leaf.Seq != seq {
		return s.fail(gateway.ErrInvalid.With(fmt.Sprintf("leaf %d has the number %d", seq, leaf.Seq), nil))
	}
	sealed, err := s.exec(ctx, "UPDATE events SET seq = ? WHERE tenant = ? AND id = ? AND seq IS NULL", seq, string(s.tenant), leaf.EventID)
	if err != nil {
		return err
	}
	if sealed == 0 {
		return s.fail(gateway.ErrConflict.With("there is no such event without a number", nil).For(leaf.EventID))
	}
	if _, err := s.exec(ctx, "INSERT INTO log_leaves (tenant, seq, event_id, leaf) VALUES (?, ?, ?, ?)", string(s.tenant), seq, leaf.EventID, leaf.Leaf); err != nil {
		return err
	}
	if len(leaf.Salts) == 0 {
		return nil
	}
	salts, err := asJSON(&leaf.Salts).arg()
	if err != nil {
		return s.fail(err)
	}
	_, err = s.exec(ctx, "UPDATE event_personal SET salts = ? WHERE tenant = ? AND event_id = ?", salts, string(s.tenant), leaf.EventID)
	return s.fail(err)
}
