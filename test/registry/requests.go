package registry

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Request is a recorded request. It contains no password and no token.
type Request struct {
	Method string
	// Host is the host of the client's request, with its port if there is one.
	Host string
	Path string
	// Query is unescaped and sorted. The values of unknown parameters are left out, because they may be secrets.
	Query string
	// Proto is the protocol's version, such as "HTTP/2.0".
	Proto string
	// Status is the status of the response. Zero means that no response was written.
	Status int
	// User is the account that the request names, or the account of its token, even if the registry rejected it.
	User string
	// Token reports whether the request had a bearer token.
	Token bool
	// Accept and UserAgent are the headers of the same name.
	Accept, UserAgent string
}

// String returns the request as one line, such as "HEAD registry.example/v2/shop/web/manifests/1.27 401 user=alice".
func (r Request) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s%s", r.Method, r.Host, r.Path)
	if r.Query != "" {
		fmt.Fprintf(&b, "?%s", r.Query)
	}
	if r.Status == 0 {
		b.WriteString(" no response")
	} else {
		fmt.Fprintf(&b, " %d", r.Status)
	}
	if r.User != "" {
		fmt.Fprintf(&b, " user=%s", r.User)
	}
	if r.Token {
		b.WriteString(" token")
	}
	return b.String()
}

// Requests returns the recorded requests in order of arrival. A request is recorded on arrival, and its status before
// the client reads it.
func (s *Server) Requests() []Request { return s.requests.all() }

// ResetRequests deletes the recorded requests.
func (s *Server) ResetRequests() { s.requests.reset() }

// RequestSummary returns the requests one per line, for the message of a failing test.
func (s *Server) RequestSummary() string {
	var b strings.Builder
	for _, r := range s.Requests() {
		b.WriteString(r.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// requestLog records requests.
type requestLog struct {
	accountOf func(token string) string

	mu      sync.Mutex
	entries []*Request
}

// logEntry is a recorded request that is still being served.
type logEntry struct {
	log     *requestLog
	request *Request
}

// entryKey is the context key of the request's logEntry.
type entryKey struct{}

func (j *requestLog) all() []Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	requests := make([]Request, 0, len(j.entries))
	for _, r := range j.entries {
		requests = append(requests, *r)
	}
	return requests
}

func (j *requestLog) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = nil
}

// wrap returns a handler that records each request before it calls next.
func (j *requestLog) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := j.open(r)
		next.ServeHTTP(&recordingWriter{ResponseWriter: w, entry: e}, r.WithContext(
			context.WithValue(r.Context(), entryKey{}, e)))
		// A handler that panics leaves the status at zero. A handler that writes nothing implies 200.
		e.setStatus(http.StatusOK)
	})
}

func (j *requestLog) open(r *http.Request) logEntry {
	token := bearerToken(r)
	request := &Request{
		Method: r.Method, Host: r.Host, Path: r.URL.Path, Query: readableQuery(r.URL.Query()), Proto: r.Proto,
		Token: token != "", Accept: strings.Join(r.Header.Values("Accept"), ", "), UserAgent: r.UserAgent(),
	}
	if username, _, ok := r.BasicAuth(); ok {
		request.User = username
	} else if token != "" {
		request.User = j.accountOf(token)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, request)
	return logEntry{log: j, request: request}
}

// setStatus records the status of the response. The first call counts.
func (e logEntry) setStatus(status int) {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	if e.request.Status == 0 {
		e.request.Status = status
	}
}

// recordUser records the account that the request names in its body.
func recordUser(r *http.Request, user string) {
	e, ok := r.Context().Value(entryKey{}).(logEntry)
	if !ok {
		return
	}
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	e.request.User = user
}

// recordingWriter records the status of the response.
type recordingWriter struct {
	http.ResponseWriter
	entry logEntry
}

// WriteHeader records the status and writes the header.
func (w *recordingWriter) WriteHeader(status int) {
	w.entry.setStatus(status)
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap returns the wrapped writer, for http.ResponseController.
func (w *recordingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// readableQuery returns the query. Parameters that registries and token services do not use appear without their
// values.
func readableQuery(query url.Values) string {
	var parts []string
	for name, values := range query {
		for _, value := range values {
			if !isKnownParameter(name) {
				value = "…"
			}
			parts = append(parts, name+"="+value)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

func isKnownParameter(name string) bool {
	switch name {
	case "service", "scope", "account", "client_id", "offline_token", // token services
		"n", "last", "digest", "mount", "from", // registries
		"ns": // containerd, to mirrors
		return true
	}
	return false
}
