package registry

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Fault changes the response to the requests that Match, Path and Method select. Empty fields select all requests.
//
// The steps are in this order: the request is delayed, then it hangs or its connection is reset, then it gets a
// response. Redirect, RedirectLoop, Status and Body replace the registry's response. Header, DropHeader and Truncate
// change the response, whether replaced or not.
type Fault struct {
	// Match selects requests by other criteria. It must not consume the body, and must not call Stop or Close.
	Match func(*http.Request) bool
	// Path is a pattern of paths in the form of Config.Public, such as "/v2/shop/web/manifests/*".
	Path string
	// Method is the request's method. GET does not include HEAD.
	Method string
	// AfterAuth applies the fault after authentication, to authorized requests only.
	AfterAuth bool
	// Times is the number of requests that get the fault. Zero means all.
	Times int

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
	// Status is the status of the response. Zero means 200 if there is a Body.
	Status int
	// Body is the body of the response.
	Body string

	// Header holds headers that replace headers of the response.
	Header http.Header
	// DropHeader names headers to leave out of the response, such as "Docker-Content-Digest".
	DropHeader []string
	// Truncate ends the response after this number of bytes of its body. A negative number means before the first
	// byte. Zero means no truncation, and a shorter response is complete.
	Truncate int
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
type faults struct{ set set[activeFault] }

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
			if stage(fault.AfterAuth) == at && fault.matches(r) && fault.take() {
				fault.serve(w, r, next)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (f *Fault) matches(r *http.Request) bool {
	return (f.Method == "" || f.Method == r.Method) &&
		(f.Path == "" || matchPattern(f.Path, r.URL.Path)) &&
		(f.Match == nil || f.Match(r))
}

// take counts one use of the fault. It returns false if all uses are spent.
func (f *activeFault) take() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Times > 0 && f.taken >= f.Times {
		return false
	}
	f.taken++
	return true
}

func (f *Fault) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if f.Delay > 0 || f.Hang {
		f.wait(r)
	}
	if f.Reset {
		resetConnection(r)
	}
	faulty := &faultyWriter{ResponseWriter: w, fault: f, isHead: r.Method == http.MethodHead}
	switch {
	case f.Redirect != "" || f.RedirectLoop:
		f.redirect(faulty, r)
	case f.Status != 0 || f.Body != "":
		f.respond(faulty)
	default:
		next.ServeHTTP(faulty, r)
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
