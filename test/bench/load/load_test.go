package load

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// webhook is one that admits what says "good", and counts.
type webhook struct {
	asked atomic.Int64
	proto atomic.Value
}

func (w *webhook) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.asked.Add(1)
	w.proto.Store(r.Proto + " " + r.URL.String())
	body, _ := io.ReadAll(r.Body)
	if string(body) == "broken" {
		rw.WriteHeader(http.StatusInternalServerError)
		return
	}
	answer := `{"response":{"warnings":["no"],"allowed":false,"status":{"message":"no"}}}`
	if string(body) == "good" {
		answer = `{"response":{"allowed":true}}`
	}
	_, _ = io.WriteString(rw, answer)
}

func start(t *testing.T) (*webhook, Target) {
	t.Helper()
	w := &webhook{}
	s := httptest.NewTLSServer(w)
	t.Cleanup(s.Close)
	config := &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS12}
	return w, Target{Addr: s.Listener.Addr().String(), TLS: config}
}

// everyOther refuses the odd ones.
func everyOther(i int) []byte { return []byte([]string{"good", "bad"}[i%2]) }

func TestEach(t *testing.T) {
	t.Parallel()
	w, target := start(t)
	target.Timeout = 3 * time.Second
	got, err := target.Each(t.Context(), 3, 10, everyOther)
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests != 10 || got.Refused != 5 || got.Warned != 5 || w.asked.Load() != 10 {
		t.Errorf("got %d requests, %d refused; the webhook saw %d; want 10, 5, 10", got.Requests, got.Refused, w.asked.Load())
	}
	for i, a := range got.Answers {
		if a.Allowed() != (i%2 == 0) {
			t.Errorf("answer %d is %s", i, a.Body)
		}
	}
	if got, want := w.proto.Load(), "HTTP/1.1 /validate?timeout=3s"; got != want {
		t.Errorf("the webhook was asked by %v, want %v", got, want)
	}
	response, err := got.Answers[1].Response()
	if err != nil || response.Allowed || response.Result.Message != "no" {
		t.Errorf("Response() = %+v, %v; want a refusal", response, err)
	}
}

// TestFor ends: how much is done until then is the machine's affair.
func TestFor(t *testing.T) {
	t.Parallel()
	w, target := start(t)
	got, err := target.For(t.Context(), 2, 20*time.Millisecond, Always([]byte("good")))
	if err != nil || got.Requests == 0 || int64(got.Requests) != w.asked.Load() || got.Refused != 0 {
		t.Errorf("For() = %+v, %v; the webhook saw %d", got, err, w.asked.Load())
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	w, target := start(t)
	client := NewClient(target)
	defer client.Close()
	got, err := client.Rate(t.Context(), 1000, 50*time.Millisecond, everyOther)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.All) != 50 || got.Refused != 25 || w.asked.Load() != 50 {
		t.Errorf("got %d answers, %d refused; the webhook saw %d; want 50, 25, 50", len(got.All), got.Refused, w.asked.Load())
	}
	for _, l := range got.All {
		if l <= 0 {
			t.Errorf("an answer came %v after it was due", l)
		}
	}
	if got, want := w.proto.Load(), "HTTP/1.1 /validate?timeout=10s"; got != want {
		t.Errorf("the webhook was asked by %v, want %v", got, want)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	_, target := start(t)
	if _, err := target.Each(t.Context(), 1, 1, Always([]byte("broken"))); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("Each() error = %v, want one with the status", err)
	}
	client := NewClient(target)
	defer client.Close()
	if _, err := client.Rate(t.Context(), 100, 20*time.Millisecond, Always([]byte("broken"))); err == nil {
		t.Error("Rate() error = nil, want one")
	}
	if _, err := (Target{Addr: "127.0.0.1:1", TLS: target.TLS}).Each(t.Context(), 1, 1, everyOther); err == nil {
		t.Error("Each() error = nil where nothing listens, want one")
	}
}
