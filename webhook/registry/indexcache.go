package registry

import (
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

// Bounds of the cache of indexes. Image authors choose the length of an index; a longer one is read each time.
const (
	maxIndexes      = 1024
	maxIndexEntries = 64
)

// indexKey identifies an index at one endpoint.
type indexKey struct{ endpoint, repository, digest string }

// indexEntry is the content of an index. It cannot change, because its digest identifies it. All verdicts share it. It is used
// only after the registry has granted access to the index.
type indexEntry struct {
	size      int64
	platforms []imagepull.Platform
	manifests []imagepull.Descriptor
}

// indexKey returns the key of an index, if a node reads it from one host only. Of several hosts each may fail in its own way.
func (ss sessions) indexKey(digest string) (key indexKey, ok bool) {
	if len(ss) != 1 {
		return indexKey{}, false
	}
	return indexKey{ss[0].endpoint.auth.ID, ss[0].ref.Path, digest}, true
}

// cachedIndex adds the cached content of an index to its verdict.
func (ss sessions) cachedIndex(v imagepull.Verdict) (imagepull.Verdict, bool) {
	key, ok := ss.indexKey(v.Digest)
	if !ok {
		return v, false
	}
	entry, ok := ss[0].client.indexes.Get(key)
	if ok {
		v.IsIndex, v.Size, v.Platforms, v.Manifests = true, entry.size, entry.platforms, entry.manifests
	}
	return v, ok
}

// cacheIndex stores the content of an index from its verdict.
func (ss sessions) cacheIndex(v imagepull.Verdict) {
	if key, ok := ss.indexKey(v.Digest); ok && v.IsIndex && len(v.Manifests) <= maxIndexEntries {
		ss[0].client.indexes.Put(key, indexEntry{v.Size, v.Platforms, v.Manifests}, ttlcache.Never())
	}
}
