package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// HashReader reads the stored hashes of a log by their index
// (tlog.StoredHashIndex). It returns one hash of 32 bytes per index, in order.
type HashReader interface {
	ReadHashes(ctx context.Context, indexes []int64) ([][]byte, error)
}

// HashStore also takes what an append makes.
type HashStore interface {
	HashReader
	// AppendHashes stores the batch whole or not at all, and fails when the log
	// does not hold exactly batch.From leaves.
	AppendHashes(ctx context.Context, batch Batch) error
}

// Batch is what appending leaves adds to a log.
type Batch struct {
	From   int64    // leaves before
	Leaves [][]byte // canonical bytes, in order
	Hashes [][]byte // new stored hashes, from index tlog.StoredHashCount(From)
	Root   []byte   // signed, over From+len(Leaves) leaves
}

// Appender extends the log of one tenant.
type Appender struct {
	Origin string
	Signer *Signer
	Now    func() time.Time
	// Former are keys that signed earlier roots, after a change of key.
	Former []Verifier
}

// Append adds leaves to the log whose newest signed root is last (nil for an
// empty log) and returns what it stored. It refuses a log whose stored hashes
// are not those that last signs, and leaves whose numbers do not follow it.
func (a Appender) Append(ctx context.Context, store HashStore, last []byte, leaves [][]byte) (Batch, error) {
	batch, err := a.prepare(ctx, store, last, leaves)
	if err != nil {
		return Batch{}, fmt.Errorf("evidence: log %s: %w", a.Origin, err)
	}
	if err := store.AppendHashes(ctx, batch); err != nil {
		return Batch{}, err
	}
	return batch, nil
}

func (a Appender) prepare(ctx context.Context, store HashReader, last []byte, leaves [][]byte) (Batch, error) {
	from, err := a.size(ctx, store, last)
	if err != nil {
		return Batch{}, err
	}
	batch := Batch{From: from, Leaves: leaves}
	fresh := &overlay{stored: hashReader(ctx, store), from: tlog.StoredHashCount(from)}
	for i, leaf := range leaves {
		body, err := parseLeaf(leaf)
		if err != nil {
			return Batch{}, fmt.Errorf("leaf %d: %w", from+int64(i)+1, err)
		}
		if body.Seq != from+int64(i)+1 {
			return Batch{}, fmt.Errorf("leaf %d stands where leaf %d is due", body.Seq, from+int64(i)+1)
		}
		hashes, err := tlog.StoredHashes(from+int64(i), leaf, fresh)
		if err != nil {
			return Batch{}, err
		}
		for _, hash := range hashes {
			fresh.hashes = append(fresh.hashes, hash)
			batch.Hashes = append(batch.Hashes, hash[:])
		}
	}
	root := Root{Origin: a.Origin, Size: from + int64(len(leaves)), At: a.Now()}
	if root.Hash, err = tlog.TreeHash(root.Size, fresh); err != nil {
		return Batch{}, err
	}
	batch.Root, err = root.Sign(a.Signer)
	return batch, err
}

// size returns the size of the log after checking it against its signed root.
func (a Appender) size(ctx context.Context, store HashReader, last []byte) (int64, error) {
	if last == nil {
		return 0, nil
	}
	root, err := OpenRoot(last, slices.Concat(a.Former, []Verifier{a.Signer.Verifier()})...)
	if err != nil {
		return 0, fmt.Errorf("newest root: %w", err)
	}
	if root.Origin != a.Origin {
		return 0, fmt.Errorf("newest root is of log %s", root.Origin)
	}
	hash, err := tlog.TreeHash(root.Size, hashReader(ctx, store))
	if err != nil {
		return 0, err
	}
	if hash != root.Hash {
		return 0, fmt.Errorf("the stored hashes are not those of the signed root over %d leaves", root.Size)
	}
	return root.Size, nil
}

// overlay reads hashes that are not stored yet after those that are.
type overlay struct {
	stored tlog.HashReader
	from   int64
	hashes []tlog.Hash
}

func (o *overlay) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	var missing []int64
	var at []int
	for i, index := range indexes {
		if index < o.from {
			missing, at = append(missing, index), append(at, i)
			continue
		}
		if index-o.from >= int64(len(o.hashes)) {
			return nil, fmt.Errorf("hash %d does not exist yet", index)
		}
		found[i] = o.hashes[index-o.from]
	}
	if len(missing) == 0 {
		return found, nil
	}
	stored, err := o.stored.ReadHashes(missing)
	if err != nil {
		return nil, err
	}
	for i, hash := range stored {
		found[at[i]] = hash
	}
	return found, nil
}

// hashReader lets tlog read from a HashReader.
func hashReader(ctx context.Context, r HashReader) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		if len(indexes) == 0 {
			return nil, nil
		}
		stored, err := r.ReadHashes(ctx, indexes)
		if err != nil {
			return nil, err
		}
		if len(stored) != len(indexes) {
			return nil, fmt.Errorf("%d hashes read, %d asked for", len(stored), len(indexes))
		}
		hashes := make([]tlog.Hash, len(stored))
		for i, hash := range stored {
			if len(hash) != tlog.HashSize {
				return nil, fmt.Errorf("stored hash %d has %d bytes", indexes[i], len(hash))
			}
			hashes[i] = tlog.Hash(hash)
		}
		return hashes, nil
	})
}

// ProveLeaf proves that leaf seq stands in the log of the given size.
func ProveLeaf(ctx context.Context, r HashReader, size, seq int64) ([]tlog.Hash, error) {
	proof, err := tlog.ProveRecord(size, seq-1, hashReader(ctx, r))
	if err != nil {
		return nil, fmt.Errorf("evidence: leaf %d of %d: %w", seq, size, err)
	}
	return proof, nil
}

// CheckLeaf checks a proof of ProveLeaf against a root.
func CheckLeaf(proof []tlog.Hash, root Root, seq int64, leaf []byte) error {
	return tlog.CheckRecord(proof, root.Size, root.Hash, seq-1, tlog.RecordHash(leaf))
}

// ProveGrowth proves that the log of size newer begins with the log of size older.
func ProveGrowth(ctx context.Context, r HashReader, older, newer int64) ([]tlog.Hash, error) {
	if older == 0 {
		return nil, nil // every log begins with the empty one
	}
	proof, err := tlog.ProveTree(newer, older, hashReader(ctx, r))
	if err != nil {
		return nil, fmt.Errorf("evidence: growth from %d to %d: %w", older, newer, err)
	}
	return proof, nil
}

// CheckGrowth checks a proof of ProveGrowth.
func CheckGrowth(proof []tlog.Hash, older, newer Root) error {
	if older.Origin != newer.Origin {
		return fmt.Errorf("log %s is not log %s", older.Origin, newer.Origin)
	}
	if older.Size == 0 {
		if empty, err := tlog.TreeHash(0, nil); err != nil || len(proof) > 0 || older.Hash != empty {
			return errors.New("not the root of an empty log")
		}
		return nil
	}
	return tlog.CheckTree(proof, newer.Size, newer.Hash, older.Size, older.Hash)
}
