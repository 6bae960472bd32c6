package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestReset covers HTTP/2 as well, where aborting a handler does not close the connection. An HTTP/2 client reads and
// writes concurrently: if the write gets the reset, the read gets only an unexpected EOF.
func TestReset(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cfg  Config
		want []error
	}{
		"HTTP/1.1": {cfg: Config{PlainHTTP: true}, want: []error{syscall.ECONNRESET}},
		"HTTP/2":   {want: []error{syscall.ECONNRESET, syscall.EPIPE, io.ErrUnexpectedEOF}},
	}
	for proto, tt := range tests {
		t.Run(proto, func(t *testing.T) {
			t.Parallel()
			s, _ := withImage(t, tt.cfg)
			s.Fault(Fault{Reset: true, Times: 1})
			_, err := trySend(t, s, request{path: manifestURL})
			if !slices.ContainsFunc(tt.want, func(want error) bool { return errors.Is(err, want) }) {
				t.Errorf("got error %v, want one of %v", err, tt.want)
			}
			send(t, s, request{path: manifestURL}).wantStatus(t, http.StatusOK, "")
		})
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	const delay = 20 * time.Millisecond
	s, _ := startWithAccounts(t, Config{Auth: AuthBearer})
	s.Fault(Fault{Path: "/token", Delay: delay, Times: 1})
	started := time.Now()
	send(t, s, post(form(nil))).wantStatus(t, http.StatusOK, "")
	if took := time.Since(started); took < delay {
		t.Errorf("the response took %s, want at least %s", took, delay)
	}
}

// TestDelayedRequestsEndWithTheirClient cancels the client's request after its arrival, and waits until the server
// notices.
func TestDelayedRequestsEndWithTheirClient(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault Fault
		cfg   Config
		body  string
	}{
		"a hang over HTTP/2":                {fault: Fault{Hang: true}},
		"a hang over HTTP/1.1":              {fault: Fault{Hang: true}, cfg: Config{PlainHTTP: true}},
		"a hang over HTTP/1.1, with a body": {fault: Fault{Hang: true}, cfg: Config{PlainHTTP: true}, body: "x=y"},
		"a delay over HTTP/2":               {fault: Fault{Delay: time.Hour}},
		"a delay over HTTP/1.1":             {fault: Fault{Delay: time.Hour}, cfg: Config{PlainHTTP: true}},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := start(t, tt.cfg)
			arrived := make(chan context.Context, 1)
			tt.fault.Match = func(r *http.Request) bool { arrived <- r.Context(); return true }
			s.Fault(tt.fault)
			ctx, cancel := context.WithCancel(withTimeout(t))
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL()+"/v2/", strings.NewReader(tt.body))
			if err != nil {
				t.Fatalf("NewRequest: %v", err)
			}
			failed := make(chan error, 1)
			go func() {
				resp, err := client(t, s).Do(r)
				if err == nil {
					resp.Body.Close()
				}
				failed <- err
			}()
			atServer := <-arrived
			cancel()
			if err := <-failed; !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v, want %v", err, context.Canceled)
			}
			select {
			case <-atServer.Done():
			case <-withTimeout(t).Done():
				t.Error("the server did not notice that the client closed the connection")
			}
		})
	}
}

// TestDelayedRequestWithABrokenBody breaks the body while the fault reads it.
func TestDelayedRequestWithABrokenBody(t *testing.T) {
	t.Parallel()
	defer func() {
		if got, _ := recover().(error); !errors.Is(got, http.ErrAbortHandler) {
			t.Errorf("got panic %v, want %v", got, http.ErrAbortHandler)
		}
	}()
	fault := Fault{Delay: time.Nanosecond}
	broken := io.MultiReader(strings.NewReader("x"), errorReader{})
	fault.wait(&http.Request{URL: &url.URL{}, Body: io.NopCloser(broken)})
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestFaultChangesTheHeaderOfAHandlerThatOnlyWrites(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	fault := Fault{Header: http.Header{"X-Test": {"yes"}}}
	fault.serve(recorder, &http.Request{Method: http.MethodGet}, http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }))
	if got := recorder.Result().Header.Get("X-Test"); got != "yes" || recorder.Body.String() != "x" {
		t.Errorf("got header %q and body %q, want yes and x", got, recorder.Body)
	}
}

func TestTruncateDoesNotChangeHEAD(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	fault := Fault{Body: "0123456789", Truncate: 4}
	fault.serve(recorder, &http.Request{Method: http.MethodHead}, http.NotFoundHandler())
	if got := recorder.Result().Header.Get("Content-Length"); got != "10" {
		t.Errorf("got length %q, want 10", got)
	}
}

func TestRedirectLoopDoesNotEnd(t *testing.T) {
	t.Parallel()
	s, n := startNamed(t, Config{})
	s.Fault(Fault{RedirectLoop: true})
	transport := n.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	resp, err := (&http.Client{Transport: transport}).Get("https://registry.example" + manifestURL)
	if err == nil {
		resp.Body.Close()
		t.Fatal("got a response from the redirect loop")
	}
	if got := len(s.Requests()); got != 10 {
		t.Errorf("the client sent %d requests, want 10", got)
	}
}
