package registry

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestEverythingConcurrently is for the race detector: it changes everything that may change while requests are
// served.
func TestEverythingConcurrently(t *testing.T) {
	t.Parallel()
	s, n := startWithAccounts(t, Config{Auth: AuthBearer})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			if _, err := head(t, n, "shop/web:1", alice()); err != nil {
				t.Errorf("head: %v", err)
			}
		})
		all.Go(func() {
			if _, err := s.PushImage(fmt.Sprintf("shop/other:%d", i)); err != nil {
				t.Errorf("PushImage: %v", err)
			}
		})
		all.Go(func() {
			s.Fault(Fault{Path: "/nowhere", Status: 500})()
			s.Limit(Limit{Repository: "nowhere", Per: time.Hour})()
		})
		all.Go(func() {
			host := fmt.Sprintf("host%d.example", i)
			n.Set(host, Refused)
			if err := n.Add(host, s); err != nil {
				t.Errorf("Add: %v", err)
			}
		})
		all.Go(func() { _ = s.RequestSummary() })
	}
	all.Wait()
}

// TestTimesUnderConcurrency sends more concurrent requests than the fault has uses.
func TestTimesUnderConcurrency(t *testing.T) {
	t.Parallel()
	s := start(t, Config{PlainHTTP: true})
	s.Fault(Fault{Status: 503, Times: 3})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := trySend(t, s, request{path: "/v2/"}); err != nil {
				t.Errorf("got error %v", err)
			}
		})
	}
	all.Wait()
	faulty := 0
	for _, r := range s.Requests() {
		if r.Status == http.StatusServiceUnavailable {
			faulty++
		}
	}
	if faulty != 3 {
		t.Errorf("%d requests got the fault, want 3", faulty)
	}
}

// TestStopUnderLoad stops the server during requests. Each request gets a response or an error, and the server can
// restart.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	s := start(t, Config{PlainHTTP: true})
	arrived := make(chan struct{}, 8)
	s.Fault(Fault{Match: func(*http.Request) bool { arrived <- struct{}{}; return false }})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { _, _ = trySend(t, s, request{path: "/v2/"}) })
	}
	<-arrived
	s.Stop()
	all.Wait()
	if err := s.Restart(); err != nil {
		t.Fatalf("Restart: %v", err)
	}
	send(t, s, request{path: "/v2/"}).wantStatus(t, http.StatusOK, "")
}
