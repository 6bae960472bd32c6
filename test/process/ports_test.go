package process

import "testing"

func TestFreePortsAreDifferent(t *testing.T) {
	t.Parallel()
	ports, err := FreePorts(3)
	if err != nil {
		t.Fatalf("FreePorts: %v", err)
	}
	seen := map[int]bool{}
	for _, port := range ports {
		if port == 0 || seen[port] {
			t.Errorf("got ports %v, want three different ones", ports)
		}
		seen[port] = true
	}
}
