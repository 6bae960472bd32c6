package main

import "testing"

func TestMisdeedsHaveNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range misdeeds() {
		if m.name == "" || seen[m.name] {
			t.Errorf("the name %q is empty or there twice", m.name)
		}
		seen[m.name] = true
	}
}
