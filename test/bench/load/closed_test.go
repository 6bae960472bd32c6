package load

import (
	"testing"
	"time"
)

func TestEach(t *testing.T) {
	t.Parallel()
	w, target := start(t)
	target.Timeout = 3 * time.Second
	got, err := target.Each(t.Context(), 3, 10, everyOther)
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests != 10 || got.Denied != 5 || got.Warned != 5 || w.received.Load() != 10 {
		t.Errorf("got %d requests, %d denied;  the webhook received %d; want 10, 5, 10", got.Requests, got.Denied, w.received.Load())
	}
	for i, a := range got.Responses {
		if a.Allowed() != (i%2 == 0) {
			t.Errorf("response %d is %s", i, a.Body)
		}
	}
	if got, want := w.proto.Load(), "HTTP/1.1 /validate?timeout=3s"; got != want {
		t.Errorf("the webhook received %v, want %v", got, want)
	}
	parsed, err := got.Responses[1].Parse()
	if err != nil || parsed.Allowed || parsed.Result.Message != "no" {
		t.Errorf("Parse() = %+v, %v; want a denial", parsed, err)
	}
}

// TestFor checks that the loop ends. The number of requests depends on the machine.
func TestFor(t *testing.T) {
	t.Parallel()
	w, target := start(t)
	got, err := target.For(t.Context(), 2, 20*time.Millisecond, Always([]byte("good")))
	if err != nil || got.Requests == 0 || int64(got.Requests) != w.received.Load() || got.Denied != 0 {
		t.Errorf("For() = %+v, %v; the webhook received %d", got, err, w.received.Load())
	}
}
