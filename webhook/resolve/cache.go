package resolve

import (
	"time"
	"unsafe"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

// cache holds verdicts, each for one reference and one credential. A secret with a new password is a new credential.
type cache struct {
	ttls        TTLs
	clock       clock.PassiveClock
	routedSince func(domain string) time.Time
	entries     *ttlcache.Cache[key, cacheEntry]
}

// cacheEntry is a cached verdict. An expired entry is kept to compute the TTL of the next failure in a row.
type cacheEntry struct {
	verdict imagepull.Verdict
	// start is when the request began. An answer that took long is known to be true at that moment only.
	start time.Time
	ttl   time.Duration
}

// newCache returns an empty cache. Both bounds are necessary: pod authors control the number of keys, image authors the
// size of an index.
func newCache(o Options) (*cache, error) {
	entries, err := ttlcache.New(ttlcache.Options[key, cacheEntry]{
		MaxEntries: o.MaxEntries, MaxBytes: o.MaxBytes, Size: size, Clock: o.Clock,
	})
	if err != nil {
		return nil, err
	}
	return &cache{ttls: o.TTLs, clock: o.Clock, routedSince: o.RoutedSince, entries: entries}, nil
}

// get returns a fresh verdict, worded for the credential. An entry with a start in the future is not fresh.
func (c *cache) get(k key, cred imagepull.Credential) (imagepull.Verdict, bool) {
	e, ok := c.entries.GetStale(k) // one reading of the clock gives both freshness and age
	age := c.clock.Now().Sub(e.start)
	if !ok || age < 0 || age >= e.ttl || e.start.Before(c.routedSince(k.ref.Domain)) {
		return imagepull.Verdict{}, false
	}
	v := e.verdict.For(cred)
	v.Origin, v.Age = imagepull.OriginCache, age
	return v, true
}

// put stores a verdict. Indeterminate verdicts replace nothing, so that a row of failures continues after them. Verdicts
// from a backoff are not stored, because their age would start anew.
func (c *cache) put(k key, v imagepull.Verdict, start time.Time) {
	if v.Outcome() == imagepull.Indeterminate || v.Origin == imagepull.OriginBackoff {
		return
	}
	previous, _ := c.entries.GetStale(k)
	ttl := c.ttls.of(k.ref, v, previous, start)
	if ttl <= 0 {
		c.entries.Delete(k)
		return
	}
	c.entries.Put(k, cacheEntry{verdict: v, start: start, ttl: ttl}, start.Add(ttl))
}

// entryOverhead is the approximate size of an entry's list element and map slot.
const entryOverhead = 256

// size estimates the bytes of an entry.
func size(k key, e cacheEntry) int {
	v := e.verdict
	total := entryOverhead + int(unsafe.Sizeof(k)+unsafe.Sizeof(e)) +
		length(k.ref.Domain, k.ref.Path, k.ref.Tag, k.ref.Digest) + length(v.Detail, v.Fix, v.Digest, v.Credential)
	for _, d := range v.Manifests {
		total += int(unsafe.Sizeof(d)) + length(d.Digest, d.Defect)
	}
	for _, p := range v.Platforms {
		total += int(unsafe.Sizeof(p)) + length(p.OS, p.Architecture, p.Variant, p.OSVersion) + length(p.OSFeatures...)
		total += len(p.OSFeatures) * int(unsafe.Sizeof(""))
	}
	for _, w := range v.Warnings {
		total += int(unsafe.Sizeof(w)) + length(w.Message)
	}
	return total
}

// length returns the sum of the lengths.
func length(texts ...string) int {
	total := 0
	for _, text := range texts {
		total += len(text)
	}
	return total
}
