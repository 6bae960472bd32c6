package stage

import "testing"

// TestSplitCores checks that no core is in both halves, if there are two.
func TestSplitCores(t *testing.T) {
	t.Parallel()
	c, err := splitCores()
	if err != nil {
		t.Fatal(err)
	}
	if c.measured.Count() == 0 || c.other.Count() < c.measured.Count() {
		t.Errorf("got %d measured and %d other cores", c.measured.Count(), c.other.Count())
	}
	for core := range 1024 {
		if c.measured.IsSet(core) && c.other.IsSet(core) && c.measured.Count() > 1 {
			t.Errorf("core %d is in both halves", core)
		}
	}
}
