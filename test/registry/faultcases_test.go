package registry

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestEveryFaultFieldHasACase fails if a new effect of Fault has no case.
func TestEveryFaultFieldHasACase(t *testing.T) {
	t.Parallel()
	selectors := []string{
		"Match", "Path", "Method", "Account", "Authorization", "UnlessAgent", "AfterAuth", "After", "Times",
	}
	kind := reflect.TypeFor[Fault]()
	for i := range kind.NumField() {
		name := kind.Field(i).Name
		hasCase := slices.ContainsFunc(FaultCases(), func(m FaultCase) bool {
			return !reflect.ValueOf(m.Fault).Field(i).IsZero()
		})
		if selects := slices.Contains(selectors, name); hasCase == selects {
			t.Errorf("%s: has a case = %v, want %v", name, hasCase, !selects)
		}
	}
}

func TestFaultCasesAndBrokenHostsHaveUniqueNames(t *testing.T) {
	t.Parallel()
	var names []string
	for _, m := range FaultCases() {
		names = append(names, m.Name)
	}
	for _, m := range BrokenHosts() {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) || names[0] == "" {
		t.Errorf("a name is empty or not unique:\n%s", strings.Join(names, "\n"))
	}
}
