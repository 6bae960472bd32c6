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

// Request is what the journal remembers of a request. There is no password and no token in it.
type Request struct {
	Method string
	// Host is the one that the client asked for, with a port if it gave one.
	Host string
	Path string
	// Query is unescaped and sorted. The values of parameters that no registry has are left out, lest one is a secret.
	Query string
	// Proto is the protocol's version, such as "HTTP/2.0".
	Proto string
	// Status is the answer's; zero when there was none, or none yet.
	Status int
	// User is the account that the request named or that its token belongs to, whether or not it was let in.
	User string
	// Token reports whether the request showed a bearer token.
	Token bool
	// Accept and UserAgent are the headers of those names.
	Accept, UserAgent string
}

// String returns the request in one line, such as "HEAD registry.example/v2/shop/web/manifests/1.27 401 user=alice".
func (r Request) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s%s", r.Method, r.Host, r.Path)
	if r.Query != "" {
		fmt.Fprintf(&b, "?%s", r.Query)
	}
	if r.Status == 0 {
		b.WriteString(" unanswered")
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

// Requests returns what the server was asked, in order of arrival. A request is there from its arrival on; its status
// is there before the client reads it.
func (s *Server) Requests() []Request { return s.journal.all() }

// ResetRequests forgets the requests so far.
func (s *Server) ResetRequests() { s.journal.reset() }

// RequestSummary returns the requests one per line, for the message of a test that fails.
func (s *Server) RequestSummary() string {
	var b strings.Builder
	for _, r := range s.Requests() {
		b.WriteString(r.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// journal writes down the requests.
type journal struct {
	accountOf func(token string) string

	mu      sync.Mutex
	entries []*Request
}

// entry is one line of the journal, open for additions while the request is served.
type entry struct {
	journal *journal
	request *Request
}

// entryKey is where a request's context holds its entry.
type entryKey struct{}

func (j *journal) all() []Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	requests := make([]Request, 0, len(j.entries))
	for _, r := range j.entries {
		requests = append(requests, *r)
	}
	return requests
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = nil
}

// wrap writes down each request before the next handler sees it.
func (j *journal) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := j.open(r)
		next.ServeHTTP(&journalWriter{ResponseWriter: w, entry: e}, r.WithContext(
			context.WithValue(r.Context(), entryKey{}, e)))
		// A handler that panics leaves the request unanswered; one that writes nothing has said 200.
		e.setStatus(http.StatusOK)
	})
}

func (j *journal) open(r *http.Request) entry {
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
	return entry{journal: j, request: request}
}

// setStatus notes the status of the answer, of which the first counts.
func (e entry) setStatus(status int) {
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	if e.request.Status == 0 {
		e.request.Status = status
	}
}

// noteUser adds to the journal the account that the request names in its body.
func noteUser(r *http.Request, user string) {
	e, ok := r.Context().Value(entryKey{}).(entry)
	if !ok {
		return
	}
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	e.request.User = user
}

// journalWriter notes the status on its way to the client.
type journalWriter struct {
	http.ResponseWriter
	entry entry
}

// WriteHeader notes the status and writes the header.
func (w *journalWriter) WriteHeader(status int) {
	w.entry.setStatus(status)
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap gives http.ResponseController its way to the connection.
func (w *journalWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// readableQuery writes the parameters that registries and token services have, and only the names of others.
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
	case "service", "scope", "account", "client_id", "offline_token", // of token services
		"n", "last", "digest", "mount", "from", // of registries
		"ns": // of containerd, to mirrors
		return true
	}
	return false
}
