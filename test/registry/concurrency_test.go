package registry

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestEverythingAtOnce is for the race detector: whatever may change while requests are served does.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	s, n := secured(t, Config{Auth: AuthBearer})
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

// TestTimesUnderConcurrency has more requests than strikes at the same moment.
func TestTimesUnderConcurrency(t *testing.T) {
	t.Parallel()
	s := start(t, Config{PlainHTTP: true})
	s.Fault(Fault{Status: 503, Times: 3})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := try(t, s, request{path: "/v2/"}); err != nil {
				t.Errorf("got error %v", err)
			}
		})
	}
	all.Wait()
	struck := 0
	for _, r := range s.Requests() {
		if r.Status == http.StatusServiceUnavailable {
			struck++
		}
	}
	if struck != 3 {
		t.Errorf("the fault struck %d times, want 3", struck)
	}
}

// TestStopUnderLoad stops the server amid requests: each gets an answer or an error, and the server comes back.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	s := start(t, Config{PlainHTTP: true})
	arrived := make(chan struct{}, 8)
	s.Fault(Fault{Match: func(*http.Request) bool { arrived <- struct{}{}; return false }})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { _, _ = try(t, s, request{path: "/v2/"}) })
	}
	<-arrived
	s.Stop()
	all.Wait()
	if err := s.Restart(); err != nil {
		t.Fatalf("Restart: %v", err)
	}
	ask(t, s, request{path: "/v2/"}).wantStatus(t, http.StatusOK, "")
}
