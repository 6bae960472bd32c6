package config

import "k8s.io/apimachinery/pkg/util/validation/field"

// future is a key of the file format that nothing acts on yet.
type future struct {
	path string
	// asksForNothing reports whether the value leaves things as they are.
	asksForNothing func(c, d Configuration) bool
}

// futures lists the keys that are accepted as long as they ask for nothing. To ignore more would let operators believe
// in a setting that has no effect. Suggestions may be false too, since that is what happens.
func futures() []future {
	return []future{
		{"backoff.initialDelay", func(c, d Configuration) bool { return c.Backoff.InitialDelay == d.Backoff.InitialDelay }},
		{"backoff.factor", func(c, d Configuration) bool { return c.Backoff.Factor == d.Backoff.Factor }},
		{"backoff.maxDelay", func(c, d Configuration) bool { return c.Backoff.MaxDelay == d.Backoff.MaxDelay }},
		{"cache.maxEntries", func(c, d Configuration) bool { return c.Cache.MaxEntries == d.Cache.MaxEntries }},
		{"cache.tagTTL", func(c, d Configuration) bool { return c.Cache.TagTTL == d.Cache.TagTTL }},
		{"cache.digestTTL", func(c, d Configuration) bool { return c.Cache.DigestTTL == d.Cache.DigestTTL }},
		{"cache.notFoundTTL", func(c, d Configuration) bool { return c.Cache.NotFoundTTL == d.Cache.NotFoundTTL }},
		{"cache.deniedTTL", func(c, d Configuration) bool { return c.Cache.DeniedTTL == d.Cache.DeniedTTL }},
		{"limits.perRegistry", func(c, d Configuration) bool { return c.Limits.PerRegistry == d.Limits.PerRegistry }},
		{"limits.total", func(c, d Configuration) bool { return c.Limits.Total == d.Limits.Total }},
	}
}

// unsupported returns the keys that ask for what this version can't do.
func unsupported(c Configuration) field.ErrorList {
	var all field.ErrorList
	defaults := Default()
	for _, key := range futures() {
		if !key.asksForNothing(c, defaults) {
			all = append(all, field.Forbidden(field.NewPath(key.path), "not supported by this version yet: remove it"))
		}
	}
	return all
}
