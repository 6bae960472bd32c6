package main

import "testing"

func TestChoose(t *testing.T) {
	t.Parallel()
	if got, err := choose(""); err != nil || len(got) != len(scenarios()) {
		t.Errorf("choose() = %d scenarios, %v; want all", len(got), err)
	}
	if got, err := choose("wire,warm"); err != nil || len(got) != 2 || got[0].name != "wire" {
		t.Errorf("choose(wire,warm) = %v, %v", got, err)
	}
	if _, err := choose("wires"); err == nil {
		t.Error("choose(wires) error = nil, want an error")
	}
}
