package stage

import "testing"

// TestSetWithoutAssets checks that missing programs are an error, and that no stage is returned.
func TestSetWithoutAssets(t *testing.T) {
	if s, err := Set(t.Context(), t.TempDir()); err == nil || s != nil {
		t.Errorf("got %v and error %v, want only an error", s, err)
	}
}
