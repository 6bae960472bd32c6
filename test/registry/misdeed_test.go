package registry

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestEveryFault: a way to misbehave that a Fault learns is on the list too.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	choosing := []string{"Match", "Path", "Method", "AfterAuth", "Times"}
	kind := reflect.TypeFor[Fault]()
	for i := range kind.NumField() {
		name := kind.Field(i).Name
		strikes := slices.ContainsFunc(Misdeeds(), func(m Misdeed) bool {
			return !reflect.ValueOf(m.Fault).Field(i).IsZero()
		})
		if chooses := slices.Contains(choosing, name); strikes == chooses {
			t.Errorf("%s: on the list = %v, want %v", name, strikes, !chooses)
		}
	}
}

func TestMisdeedsAndMisfitsHaveNames(t *testing.T) {
	t.Parallel()
	var names []string
	for _, m := range Misdeeds() {
		names = append(names, m.Name)
	}
	for _, m := range Misfits() {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) || names[0] == "" {
		t.Errorf("a name is empty or there twice:\n%s", strings.Join(names, "\n"))
	}
}
