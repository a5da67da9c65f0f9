package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// The log is a Merkle tree (RFC 6962) over its entries' canonical bytes. Its
// hashes are kept in tiles of 256, as golang.org/x/mod/sumdb/tlog and C2SP
// tlog-tiles lay them out: level 0 holds the entries' own, level 1 one for each
// full tile of level 0, and so on.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	tileBytes  = tileWidth * tlog.HashSize
)

// tree is what appending needs of the tree: its right edge. A copy of it stays
// as it is while the original goes on: hashes are only ever added behind what
// the copy sees.
type tree struct {
	size  int64
	peaks [63]tlog.Hash // at l: the complete subtree of 2^l entries at the right edge, where bit l of size is set
	edge  [][]byte      // per level: the hashes of the tile that is not full
}

// tile is a row of audit_tiles.
type tile struct {
	level  int
	n      int64
	hashes []byte
}

func (t *tree) copy() tree {
	c := *t
	c.edge = slices.Clone(t.edge)
	return c
}

// ReadHashes returns peaks; t is the tlog.HashReader for its own root, which
// needs no others.
func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, _ := tlog.SplitStoredHashIndex(index)
		hashes[i] = t.peaks[level]
	}
	return hashes, nil
}

// add appends one entry's hash and returns the tiles that it filled.
func (t *tree) add(leaf tlog.Hash) (full []tile) {
	hash := leaf
	for l := 0; ; l++ {
		left := t.peaks[l]
		t.peaks[l] = hash
		if l%tileHeight == 0 {
			level := l / tileHeight
			if level == len(t.edge) {
				t.edge = append(t.edge, nil)
			}
			t.edge[level] = append(t.edge[level], hash[:]...)
			if len(t.edge[level]) == tileBytes {
				full = append(full, tile{level, t.size >> (tileHeight * (level + 1)), t.edge[level]})
				t.edge[level] = nil
			}
		}
		if t.size>>l&1 == 0 {
			break // the subtree of this level waits for its right half
		}
		hash = tlog.NodeHash(left, hash)
	}
	t.size++
	return full
}

// root is the hash of the whole tree.
func (t *tree) root() tlog.Hash {
	hash, err := tlog.TreeHash(t.size, t)
	if err != nil {
		panic(err) // only what ReadHashes returns
	}
	return hash
}

// loadTree reads the right edge of a tree of this size.
func loadTree(ctx context.Context, q Querier, size int64) (tree, error) {
	t := tree{size: size}
	for level := 0; size>>(tileHeight*level) > 0; level++ {
		width := int(size >> (tileHeight * level) % tileWidth)
		var hashes []byte
		var err error
		switch {
		case width == 0:
		case level == 0:
			hashes, err = pieces(ctx, q, size)
		default:
			hashes, err = readTile(ctx, q, level, size>>(tileHeight*(level+1)))
		}
		if err != nil {
			return t, err
		}
		if len(hashes) < width*tlog.HashSize {
			return t, altered("the tree's tile %d of level %d is cut", size>>(tileHeight*(level+1)), level)
		}
		t.edge = append(t.edge, hashes[:width*tlog.HashSize:width*tlog.HashSize])
	}
	for l := range len(t.peaks) {
		if size>>l&1 == 0 {
			continue
		}
		hash, err := t.fromEdge(tlog.StoredHashIndex(l, size>>l-1))
		if err != nil {
			return t, altered("%v", err)
		}
		t.peaks[l] = hash
	}
	return t, nil
}

// fromEdge returns a hash of the tiles that are not full.
func (t *tree) fromEdge(index int64) (tlog.Hash, error) {
	at := tlog.TileForIndex(tileHeight, index)
	hashes := t.edge[at.L]
	at.W = len(hashes) / tlog.HashSize
	return tlog.HashFromTile(at, hashes, index)
}

// pieces puts together the tile of level 0 that is not full from what each
// commit since the last full one has added. With an error it returns what there
// is before the gap.
func pieces(ctx context.Context, q Querier, size int64) ([]byte, error) {
	begin := size &^ (tileWidth - 1)
	rows, err := q.QueryContext(ctx, `SELECT size, leaves FROM audit_checkpoints WHERE size > $1 AND size <= $2 ORDER BY size`, begin, size)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var hashes []byte
	for rows.Next() {
		var to int64
		var leaves []byte
		if err := rows.Scan(&to, &leaves); err != nil {
			return nil, err
		}
		from := to - int64(len(leaves)/tlog.HashSize)
		if from < begin { // a commit that also filled the tile before
			leaves = leaves[(begin-from)*tlog.HashSize:]
			from = begin
		}
		if from != begin+int64(len(hashes)/tlog.HashSize) {
			return hashes, altered("the hashes of entries before %d are missing", to)
		}
		hashes = append(hashes, leaves...)
	}
	return hashes, rows.Err()
}

func readTile(ctx context.Context, q Querier, level int, n int64) ([]byte, error) {
	var hashes []byte
	err := q.QueryRowContext(ctx, `SELECT hashes FROM audit_tiles WHERE level = $1 AND n = $2`, level, n).Scan(&hashes)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, altered("the tree's tile %d of level %d is missing", n, level)
	}
	if err != nil {
		return nil, fmt.Errorf("read tile %d of level %d: %w", n, level, err)
	}
	return hashes, nil
}

// reader is the tlog.HashReader of a tree: its full tiles from the database,
// the others from its edge.
func (t *tree) reader(ctx context.Context, q Querier) tlog.HashReader {
	read := map[tlog.Tile][]byte{}
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			at := tlog.TileForIndex(tileHeight, index)
			var err error
			if at.N == t.size>>(tileHeight*(at.L+1)) {
				hashes[i], err = t.fromEdge(index)
			} else {
				at.W = tileWidth
				if read[at] == nil {
					if read[at], err = readTile(ctx, q, at.L, at.N); err != nil {
						return nil, err
					}
				}
				hashes[i], err = tlog.HashFromTile(at, read[at], index)
			}
			if err != nil {
				return nil, err
			}
		}
		return hashes, nil
	})
}
