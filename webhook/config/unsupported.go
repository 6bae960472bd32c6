package config

import "k8s.io/apimachinery/pkg/util/validation/field"

// future is a key of the file format that nothing acts on yet.
type future struct {
	path string
	// asksForNothing reports whether the value leaves things as they are.
	asksForNothing func(Configuration) bool
}

// futures lists the keys that are accepted as long as they ask for nothing. To ignore more would let operators believe
// in a setting that has no effect. Suggestions may be false too, since that is what happens.
func futures() []future {
	return []future{
		{"nodes.runtime", func(c Configuration) bool { return c.Nodes.Runtime != RuntimeCRIO }},
	}
}

// unsupported returns the keys that ask for what this version can't do.
func unsupported(c Configuration) field.ErrorList {
	var all field.ErrorList
	for _, key := range futures() {
		if !key.asksForNothing(c) {
			all = append(all, field.Forbidden(field.NewPath(key.path), "not supported by this version yet: remove it"))
		}
	}
	return all
}
