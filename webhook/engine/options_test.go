package engine

import "testing"

func TestGetenvReturnsTheLastValue(t *testing.T) {
	t.Parallel()
	get := getenv([]string{"A=1", "AB=2", "A=3", "EMPTY="})
	for name, want := range map[string]string{"A": "3", "AB": "2", "EMPTY": "", "MISSING": ""} {
		if got := get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
