package load

import (
	"strings"
	"testing"
	"time"
)

func TestErrorsAreReturned(t *testing.T) {
	t.Parallel()
	_, target := start(t)
	if _, err := target.Each(t.Context(), 1, 1, Always([]byte("broken"))); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("Each() error = %v, want an error with the status", err)
	}
	client := NewClient(target)
	defer client.Close()
	if _, err := client.Rate(t.Context(), 100, 20*time.Millisecond, Always([]byte("broken"))); err == nil {
		t.Error("Rate() error = nil, want an error")
	}
	if _, err := (Target{Addr: "127.0.0.1:1", TLS: target.TLS}).Each(t.Context(), 1, 1, everyOther); err == nil {
		t.Error("Each() error = nil for a closed port, want an error")
	}
}
