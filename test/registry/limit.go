package registry

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Limit is a rate limit: so many requests in so much time, counted together for all that it covers. What is over it is
// answered with 429, TOOMANYREQUESTS and a Retry-After header.
type Limit struct {
	// Repository is a pattern in the form of Config.Public; empty means every repository.
	Repository string
	// Method limits the limit to one method, as Docker Hub counts GET and not HEAD; empty means every method.
	Method string
	// Requests is how many there may be, counted from the first of them, in the time Per. Zero lets none through.
	Requests int
	Per      time.Duration
}

// Limit sets a limit on the requests that were let in, and returns a function that lifts it. Every limit that covers a
// request counts it, until one is exceeded.
func (s *Server) Limit(l Limit) (remove func()) { return s.limits.set.add(&window{Limit: l}) }

// limits are those in force.
type limits struct {
	now func() time.Time
	set set[window]
}

// window counts the requests of one limit.
type window struct {
	Limit

	mu    sync.Mutex
	ends  time.Time
	count int
}

// wrap turns away requests that are over a limit.
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

// over counts the request and tells how long to wait if that is one too many.
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
