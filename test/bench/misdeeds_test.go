package main

import (
	"reflect"
	"slices"
	"testing"

	"github.com/pullgate/pullgate/test/registry"
)

// TestEveryFault: a way to misbehave that package registry learns is tried here too.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	choosing := []string{"Match", "Path", "Method", "AfterAuth", "Times"}
	kind := reflect.TypeFor[registry.Fault]()
	for i := range kind.NumField() {
		name := kind.Field(i).Name
		tried := slices.ContainsFunc(faults(), func(f namedFault) bool {
			return !reflect.ValueOf(f.fault).Field(i).IsZero()
		})
		if !tried && !slices.Contains(choosing, name) {
			t.Errorf("no registry misbehaves by %s", name)
		}
	}
}

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
