package registry

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault changes the response to the requests that Match, Path and Method select. Empty fields select all requests.
//
// The steps are in this order: the request is delayed, then it hangs or its connection is reset, then it gets a
// response. Redirect, RedirectLoop, Challenge, Status and Body replace the registry's response. Encode, Header,
// DropHeader and Truncate change the response, whether replaced or not.
type Fault struct {
	// Match selects requests by other criteria. It must not consume the body, and must not call Stop or Close.
	Match func(*http.Request) bool
	// Path is a pattern of paths in the form of Config.Public, such as "/v2/shop/web/manifests/*".
	Path string
	// Method is the request's method. GET does not include HEAD.
	Method string
	// Account selects the requests of one account: those with its name or with a token for it.
	Account string
	// Authorization selects the requests with an Authorization header, whatever it contains, or those without one.
	Authorization Presence
	// UnlessAgent selects the clients whose User-Agent does not begin with the text, as a bot wall does.
	UnlessAgent string
	// AfterAuth applies the fault after authentication, to authorized requests only.
	AfterAuth bool
	// After is the number of selected requests that pass without the fault. Times is the number of requests after them
	// that get it. Zero means all.
	After, Times int

	// Delay delays the response. The delay ends early if the request or the server ends.
	Delay time.Duration
	// Hang makes the request wait until the client gives up or the server stops.
	Hang bool
	// Reset resets the connection, and with it all requests on it.
	Reset bool

	// Redirect redirects the client to another URL, with Status or with 307. A URL without a path keeps the path and
	// query.
	Redirect string
	// RedirectLoop redirects the request to itself.
	RedirectLoop bool
	// Challenge responds with 401 and the registry's own challenge. Cause is the challenge's error, such as
	// "invalid_token". A Basic challenge has none.
	Challenge bool
	Cause     string
	// Status is the status of the response. Zero means 200 if there is a Body.
	Status int
	// Body is the body of the response.
	Body string

	// Encode is the content coding of the response's body: "gzip", "zstd" or "deflate", whatever the client accepts. The
	// response to HEAD stays as it is.
	Encode string
	// Header holds headers that replace headers of the response.
	Header http.Header
	// DropHeader names headers to leave out of the response, such as "Docker-Content-Digest".
	DropHeader []string
	// Truncate ends the response after this number of bytes of its body. A negative number means before the first
	// byte. Zero means no truncation, and a shorter response is complete.
	Truncate int
}

// Presence is a condition on a header of a request.
type Presence string

// The conditions. The zero value selects all requests.
const (
	Present Presence = "present"
	Absent  Presence = "absent"
)

func (p Presence) matches(value string) bool {
	return p == "" || (p == Present) == (value != "")
}

// Fault adds the fault, and returns a function that removes it. If several faults match a request, the first one
// added applies.
func (s *Server) Fault(f Fault) (remove func()) { return s.faults.set.add(&activeFault{Fault: f}) }

// stage is a position in the handler chain where faults apply.
type stage bool

const (
	beforeAuth stage = false
	afterAuth  stage = true
)

// faults holds the current faults.
type faults struct {
	set set[activeFault]
	// account returns the account of a request, or "". challenge writes the registry's challenge with the cause.
	account   func(*http.Request) string
	challenge func(w http.ResponseWriter, r *http.Request, cause string)
}

// activeFault counts how often a fault was applied.
type activeFault struct {
	Fault

	mu    sync.Mutex
	taken int
}

// wrap returns a handler that applies the faults of the stage before it calls next.
func (f *faults) wrap(next http.Handler, at stage) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, fault := range f.set.all() {
			if stage(fault.AfterAuth) == at && f.selects(fault, r) && fault.take() {
				f.serve(fault, w, r, next)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (f *faults) selects(fault *activeFault, r *http.Request) bool {
	return fault.matches(r) && (fault.Account == "" || fault.Account == f.account(r))
}

func (f *Fault) matches(r *http.Request) bool {
	return (f.Method == "" || f.Method == r.Method) &&
		(f.Path == "" || matchPattern(f.Path, r.URL.Path)) &&
		f.Authorization.matches(r.Header.Get("Authorization")) &&
		(f.UnlessAgent == "" || !strings.HasPrefix(r.UserAgent(), f.UnlessAgent)) &&
		(f.Match == nil || f.Match(r))
}

// take counts one selected request. It returns false if the fault does not begin yet, or all its uses are spent.
func (f *activeFault) take() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.taken++
	return f.taken > f.After && (f.Times == 0 || f.taken <= f.After+f.Times)
}

func (f *faults) serve(fault *activeFault, w http.ResponseWriter, r *http.Request, next http.Handler) {
	if fault.Challenge {
		next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.challenge(w, r, fault.Cause) })
	}
	fault.serve(w, r, next)
}

// serve applies the steps of the fault. next writes the response, if the fault does not replace it.
func (f *Fault) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if f.Delay > 0 || f.Hang {
		f.wait(r)
	}
	if f.Reset {
		resetConnection(r)
	}
	faulty := &faultyWriter{ResponseWriter: w, fault: f, isHead: r.Method == http.MethodHead}
	if f.Encode != "" && !faulty.isHead {
		f.answerEncoded(faulty, r, next)
		return
	}
	f.answer(faulty, r, next)
}

// answer writes the fault's response, or else calls next.
func (f *Fault) answer(w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch {
	case f.Redirect != "" || f.RedirectLoop:
		f.redirect(w, r)
	case f.Status != 0 || f.Body != "":
		f.respond(w)
	default:
		next.ServeHTTP(w, r)
	}
}

// wait delays the request. It panics with http.ErrAbortHandler if the request or the server ends first.
func (f *Fault) wait(r *http.Request) {
	// With HTTP/1, net/http notices a closed connection only after the body was read.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var due <-chan time.Time
	if !f.Hang {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

func (f *Fault) respond(w http.ResponseWriter) {
	status := f.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(f.Body)))
	w.WriteHeader(status)
	// A write error means that the client is gone, so it is ignored.
	_, _ = io.WriteString(w, f.Body)
}

func (f *Fault) redirect(w http.ResponseWriter, r *http.Request) {
	location := f.Redirect
	if f.RedirectLoop {
		location = r.URL.RequestURI()
	} else if target, err := url.Parse(location); err == nil && target.Path == "" {
		target.Path, target.RawQuery = r.URL.Path, r.URL.RawQuery
		location = target.String()
	}
	w.Header().Set("Location", location)
	status := f.Status
	if status == 0 {
		status = http.StatusTemporaryRedirect
	}
	w.WriteHeader(status)
}

// faultyWriter applies the fault to the response.
type faultyWriter struct {
	http.ResponseWriter
	fault   *Fault
	isHead  bool
	started bool
	written int
}

// WriteHeader writes the header with the fault's changes.
func (w *faultyWriter) WriteHeader(status int) {
	w.started = true
	header := w.Header()
	for name, values := range w.fault.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	for _, name := range w.fault.DropHeader {
		header[http.CanonicalHeaderKey(name)] = nil // present and empty: net/http adds no default
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes the body up to Truncate bytes.
func (w *faultyWriter) Write(p []byte) (int, error) {
	if !w.started {
		w.WriteHeader(http.StatusOK)
	}
	limit := max(w.fault.Truncate, 0)
	if w.fault.Truncate == 0 || w.isHead || w.written+len(p) <= limit {
		w.written += len(p)
		return w.ResponseWriter.Write(p)
	}
	// Errors are ignored, because the connection is aborted next.
	_, _ = w.ResponseWriter.Write(p[:limit-w.written])
	_ = http.NewResponseController(w.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}
