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

// Fault is a way to misbehave, for some requests. Match, Path and Method choose them; what is left empty chooses all.
//
// What is asked for happens in this order: the request is delayed, then hangs or has its connection reset, then is
// answered. A fault with Redirect, RedirectLoop, Status or Body gives the answer itself; any other lets the registry
// answer. Header, DropHeader and Truncate spoil the answer of either.
type Fault struct {
	// Match chooses requests by any other means. It must not consume the body, nor call Stop or Close.
	Match func(*http.Request) bool
	// Path is a pattern of paths in the form of Config.Public, such as "/v2/shop/web/manifests/*".
	Path string
	// Method is the request's; GET does not include HEAD.
	Method string
	// AfterAuth leaves requests alone that the registry would not let in: the gate comes first, then the fault.
	AfterAuth bool
	// Times is how many requests the fault strikes before it is spent; zero means that it never is.
	Times int

	// Delay is how long the request waits for its answer. It ends early with the request or the server.
	Delay time.Duration
	// Hang makes the request wait until the client gives up or the server stops.
	Hang bool
	// Reset breaks the connection, with all the requests that share it.
	Reset bool

	// Redirect sends the client to another URL, with Status or else 307. A URL without a path takes over path and query.
	Redirect string
	// RedirectLoop redirects the request to itself.
	RedirectLoop bool
	// Status is the answer's; zero means 200 if there is a Body.
	Status int
	// Body is the answer's.
	Body string

	// Header holds headers to set in place of the answer's own.
	Header http.Header
	// DropHeader names headers to leave out of the answer, such as "Docker-Content-Digest".
	DropHeader []string
	// Truncate breaks off the answer after so many bytes of its body; negative means before the first one. Zero and an
	// answer that is not longer stay whole.
	Truncate int
}

// Fault makes the server misbehave, and returns a function that ends that. Of several faults that choose a request, the
// one added first strikes.
func (s *Server) Fault(f Fault) (remove func()) { return s.faults.set.add(&armedFault{Fault: f}) }

// stage is a point on a request's way where faults may strike.
type stage bool

const (
	beforeAuth stage = false
	afterAuth  stage = true
)

// faults are those that the server has now.
type faults struct{ set set[armedFault] }

// armedFault counts how often a fault has struck.
type armedFault struct {
	Fault

	mu     sync.Mutex
	struck int
}

// wrap has the faults of the stage strike before the next handler can answer.
func (f *faults) wrap(next http.Handler, at stage) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, fault := range f.set.all() {
			if stage(fault.AfterAuth) == at && fault.chooses(r) && fault.strike() {
				fault.serve(w, r, next)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (f *Fault) chooses(r *http.Request) bool {
	return (f.Method == "" || f.Method == r.Method) &&
		(f.Path == "" || matchPattern(f.Path, r.URL.Path)) &&
		(f.Match == nil || f.Match(r))
}

// strike reports whether the fault is not spent yet.
func (f *armedFault) strike() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Times > 0 && f.struck >= f.Times {
		return false
	}
	f.struck++
	return true
}

func (f *Fault) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if f.Delay > 0 || f.Hang {
		f.wait(r)
	}
	if f.Reset {
		resetConnection(r)
	}
	spoiled := &spoiledWriter{ResponseWriter: w, fault: f, isHead: r.Method == http.MethodHead}
	switch {
	case f.Redirect != "" || f.RedirectLoop:
		f.redirect(spoiled, r)
	case f.Status != 0 || f.Body != "":
		f.answer(spoiled)
	default:
		next.ServeHTTP(spoiled, r)
	}
}

// wait holds the request up. It does not return if the request or the server ends meanwhile.
func (f *Fault) wait(r *http.Request) {
	// HTTP/1 notices that a client has gone only when the body has been read.
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

func (f *Fault) answer(w http.ResponseWriter) {
	status := f.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(f.Body)))
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
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

// spoiledWriter spoils an answer on its way to the client.
type spoiledWriter struct {
	http.ResponseWriter
	fault   *Fault
	isHead  bool
	started bool
	written int
}

// WriteHeader writes the header as the fault wants it.
func (w *spoiledWriter) WriteHeader(status int) {
	w.started = true
	header := w.Header()
	for name, values := range w.fault.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	for _, name := range w.fault.DropHeader {
		header[http.CanonicalHeaderKey(name)] = nil // present and empty: net/http puts none of its own in its place
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes the body as far as the fault lets it.
func (w *spoiledWriter) Write(p []byte) (int, error) {
	if !w.started {
		w.WriteHeader(http.StatusOK)
	}
	limit := max(w.fault.Truncate, 0)
	if w.fault.Truncate == 0 || w.isHead || w.written+len(p) <= limit {
		w.written += len(p)
		return w.ResponseWriter.Write(p)
	}
	// Neither error matters: the connection is about to break anyway.
	_, _ = w.ResponseWriter.Write(p[:limit-w.written])
	_ = http.NewResponseController(w.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}
