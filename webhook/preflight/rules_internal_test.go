package preflight

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The order is the protection against false denials: a change of it must be deliberate.
func TestOrderOfRules(t *testing.T) {
	t.Parallel()
	names := func(rules []rule) []string {
		var all []string
		for _, r := range rules {
			all = append(all, r.name)
		}
		return all
	}
	var first []string
	for _, p := range prechecks() {
		first = append(first, p.name)
	}
	for list, test := range map[string]struct{ got, want []string }{
		"prechecks": {first, []string{
			"placeholder", "image name", "skipped registry", "images per object", "short name", "pull policy Never",
		}},
		"reference": {names(referenceRules()), []string{
			"unreadable pull secret", "incomplete node credentials", "node identity", "pull secret problems",
		}},
		"use": {names(useRules()), []string{
			"cached image", "cached layers", "pulls of the nodes", "volume architecture", "unmounted volume", "missing pull secret",
		}},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s rules (-want +got):\n%s", list, diff)
		}
	}
}
