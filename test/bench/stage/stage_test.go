package stage

import "testing"

// TestSetWithoutAssets: what is missing is an error, and nothing is on the stage.
func TestSetWithoutAssets(t *testing.T) {
	if s, err := Set(t.Context(), t.TempDir()); err == nil || s != nil {
		t.Errorf("got %v and the error %v, want only that", s, err)
	}
}
