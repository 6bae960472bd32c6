package resolve

import (
	"time"
	"unsafe"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

// maxStale is how long after its TTL a pullable verdict may still be served while its registry is slow or down.
const maxStale = 10 * time.Minute

// cache holds verdicts, each for one reference and one credential. A secret with a new password is a new credential.
//
// Namespaces share pullable verdicts only. A denial is for the namespace whose request had it: another one may have pushed the
// image a moment later.
type cache struct {
	ttls        TTLs
	clock       clock.PassiveClock
	routedSince func(domain string) time.Time
	entries     *ttlcache.Cache[key, cacheEntry]
}

// cacheEntry is a cached verdict. An expired entry is kept, because a confirmation may begin after it expired, and because a
// pullable verdict may be served past its TTL.
type cacheEntry struct {
	// namespace is the one whose request had the verdict.
	namespace string
	verdict   imagepull.Verdict
	// start is when the request began. If the response took long, the verdict is certain for that moment only.
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

// find returns the last certain verdict, worded for the credential, and the time left of its TTL, which is negative after the
// TTL. Without a verdict it returns zero values. A verdict from before a change of the route and one from the future do not
// count: the clock may go back. A verdict is confirmed no longer than a denial is fresh, and for one namespace.
func (c *cache) find(k key, cred imagepull.Credential) (v imagepull.Verdict, left time.Duration) {
	e, age, ok := c.entry(k)
	if !ok {
		return imagepull.Verdict{}, 0
	}
	v = e.verdict.For(cred)
	v.Origin, v.Age = imagepull.OriginCache, age
	v.Confirmed = v.Confirmed && e.namespace == k.namespace && age < c.ttls.denial(v.Reason)
	return v, e.ttl - age
}

// entry returns the entry that counts for a key, and its age.
func (c *cache) entry(k key) (e cacheEntry, age time.Duration, ok bool) {
	e, ok = c.entries.GetStale(k.shared())
	age = c.clock.Now().Sub(e.start)
	isForeign := e.namespace != k.namespace && e.verdict.Outcome() != imagepull.Pullable
	return e, age, ok && age >= 0 && !isForeign && !e.start.Before(c.routedSince(k.ref.Domain))
}

// maxRefusalAge is how long a confirmed refusal of a credential counts as the first of two responses.
const maxRefusalAge = 30 * time.Second

// refusal returns the last verdict, if it is a confirmed refusal of the credential itself that is not fresh any more.
func (c *cache) refusal(k key) (v imagepull.Verdict, ok bool) {
	e, age, ok := c.entry(k)
	if !ok || !e.verdict.LoginFailed || !e.verdict.Confirmed || age < e.ttl || age >= maxRefusalAge {
		return imagepull.Verdict{}, false
	}
	return e.verdict, true
}

// get returns the verdict that find returns, and whether it is fresh.
func (c *cache) get(k key, cred imagepull.Credential) (v imagepull.Verdict, fresh bool) {
	v, left := c.find(k, cred)
	return v, left > 0
}

// stale returns a pullable verdict that is not more than maxStale past its TTL. It exists only if the kind of verdict has a TTL.
func (c *cache) stale(k key, cred imagepull.Credential) (v imagepull.Verdict, ok bool) {
	v, left := c.find(k, cred)
	return v, v.Outcome() == imagepull.Pullable && left > -maxStale && c.ttls.of(k.ref, v) > 0
}

// put stores a verdict. An Indeterminate one replaces nothing.
func (c *cache) put(k key, v imagepull.Verdict, start time.Time) {
	if v.Outcome() == imagepull.Indeterminate {
		return
	}
	ttl := c.ttls.of(k.ref, v)
	c.entries.Put(k.shared(), cacheEntry{k.namespace, v, start, ttl}, start.Add(ttl))
}

// entryOverhead is the approximate size of an entry's list element and map slot.
const entryOverhead = 256

// size estimates the bytes of an entry.
func size(k key, e cacheEntry) int {
	v := e.verdict
	total := entryOverhead + int(unsafe.Sizeof(k)+unsafe.Sizeof(e)) +
		length(e.namespace, k.ref.Domain, k.ref.Path, k.ref.Tag, k.ref.Digest) + length(v.Detail, v.Fix, v.Digest, v.Credential)
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
