package registry

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Limit is a rate limit: a number of requests in a period, counted together for all requests that it covers. Further
// requests get 429 with the code TOOMANYREQUESTS and a Retry-After header.
type Limit struct {
	// Repository is a pattern in the form of Config.Public. Empty means every repository.
	Repository string
	// Method restricts the limit to one method. Docker Hub, for example, counts GET but not HEAD. Empty means every
	// method.
	Method string
	// Requests is the number of requests that may pass in the period Per. The period starts with the first request.
	// Zero lets none pass.
	Requests int
	Per      time.Duration
}

// Limit adds a limit on authorized requests, and returns a function that removes it. Every limit that covers a
// request counts it, until the first limit that is exceeded.
func (s *Server) Limit(l Limit) (remove func()) { return s.limits.set.add(&window{Limit: l}) }

// limits holds the current limits.
type limits struct {
	now func() time.Time
	set set[window]
}

// window counts the requests of one limit in the current period.
type window struct {
	Limit

	mu    sync.Mutex
	ends  time.Time
	count int
}

// wrap returns a handler that rejects requests over a limit.
func (l *limits) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait, over := l.over(r)
		if !over {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		writeError(w, http.StatusTooManyRequests, codeTooManyRequests)
	})
}

// over counts the request. If it exceeds a limit, over returns true and the time until the period ends.
func (l *limits) over(r *http.Request) (wait time.Duration, over bool) {
	repository, _, _ := splitPath(r.URL.Path)
	for _, w := range l.set.all() {
		if !w.covers(r.Method, repository) {
			continue
		}
		if wait, over = w.take(l.now()); over {
			return wait, true
		}
	}
	return 0, false
}

func (w *window) covers(method, repository string) bool {
	return repository != "" && (w.Method == "" || w.Method == method) &&
		(w.Repository == "" || matchPattern(w.Repository, repository))
}

func (w *window) take(now time.Time) (wait time.Duration, over bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !now.Before(w.ends) {
		w.ends, w.count = now.Add(w.Per), 0
	}
	w.count++
	return w.ends.Sub(now), w.count > w.Requests
}
