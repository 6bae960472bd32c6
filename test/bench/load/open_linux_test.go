package load

import (
	"testing"
	"time"
)

func TestRate(t *testing.T) {
	t.Parallel()
	w, target := start(t)
	client := NewClient(target)
	defer client.Close()
	got, err := client.Rate(t.Context(), 1000, 50*time.Millisecond, everyOther)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.All) != 50 || got.Denied != 25 || w.received.Load() != 50 {
		t.Errorf("got %d responses, %d denied;  the webhook received %d; want 50, 25, 50", len(got.All), got.Denied, w.received.Load())
	}
	for _, l := range got.All {
		if l <= 0 {
			t.Errorf("got latency %v, want more than 0", l)
		}
	}
	if got, want := w.proto.Load(), "HTTP/1.1 /validate?timeout=10s"; got != want {
		t.Errorf("the webhook received %v, want %v", got, want)
	}
}
