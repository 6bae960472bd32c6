package main

import "testing"

func TestFaultCasesHaveUniqueNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range faultCases() {
		if m.name == "" || seen[m.name] {
			t.Errorf("the name %q is empty or not unique", m.name)
		}
		seen[m.name] = true
	}
}
