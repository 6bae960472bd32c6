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

// TestReset covers HTTP/2 as well, where aborting a handler by itself leaves the connection as it is. Its client reads
// and writes at once: when it is the write that meets the reset, the read sees no more than a sudden end.
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
			_, err := try(t, s, request{path: manifestURL})
			if !slices.ContainsFunc(tt.want, func(want error) bool { return errors.Is(err, want) }) {
				t.Errorf("got error %v, want one of %v", err, tt.want)
			}
			ask(t, s, request{path: manifestURL}).wantStatus(t, http.StatusOK, "")
		})
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	const delay = 20 * time.Millisecond
	s, _ := secured(t, Config{Auth: AuthBearer})
	s.Fault(Fault{Path: "/token", Delay: delay, Times: 1})
	begun := time.Now()
	ask(t, s, post(form(nil))).wantStatus(t, http.StatusOK, "")
	if took := time.Since(begun); took < delay {
		t.Errorf("the answer took %s, want at least %s", took, delay)
	}
}

// TestHeldRequestsEndWithTheirClient has the client give up once its request has arrived, and waits for the server to
// notice.
func TestHeldRequestsEndWithTheirClient(t *testing.T) {
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
				t.Error("the server has not noticed that its client is gone")
			}
		})
	}
}

// TestHeldRequestWithABrokenBody breaks the body off while the fault reads it.
func TestHeldRequestWithABrokenBody(t *testing.T) {
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

func TestFaultSpoilsAHandlerThatOnlyWrites(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	fault := Fault{Header: http.Header{"X-Test": {"yes"}}}
	fault.serve(recorder, &http.Request{Method: http.MethodGet}, http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }))
	if got := recorder.Result().Header.Get("X-Test"); got != "yes" || recorder.Body.String() != "x" {
		t.Errorf("got header %q and body %q, want yes and x", got, recorder.Body)
	}
}

func TestTruncateLeavesHEADAlone(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	fault := Fault{Body: "0123456789", Truncate: 4}
	fault.serve(recorder, &http.Request{Method: http.MethodHead}, http.NotFoundHandler())
	if got := recorder.Result().Header.Get("Content-Length"); got != "10" {
		t.Errorf("got length %q, want 10", got)
	}
}

func TestRedirectLoopLoops(t *testing.T) {
	t.Parallel()
	s, n := named(t, Config{})
	s.Fault(Fault{RedirectLoop: true})
	transport := n.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	resp, err := (&http.Client{Transport: transport}).Get("https://registry.example" + manifestURL)
	if err == nil {
		resp.Body.Close()
		t.Fatal("got an answer out of the loop")
	}
	if got := len(s.Requests()); got != 10 {
		t.Errorf("the client asked %d times, want 10", got)
	}
}
