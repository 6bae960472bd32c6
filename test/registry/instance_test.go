package registry

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("Listen: %v", err)
	}
	return ln
}

// TestStopWaitsForHandlers uses handlers that do not read the body, so only the stop can end their context. They
// still run at that moment.
func TestStopWaitsForHandlers(t *testing.T) {
	t.Parallel()
	const requests = 16
	var arrived, clients sync.WaitGroup
	var done atomic.Int32
	arrived.Add(requests)
	ln := listen(t)
	l := startInstance(ln, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived.Done()
		<-r.Context().Done()
		_, _ = NewCA() // takes some time
		done.Add(1)
	}), nil)
	transport := &http.Transport{DisableKeepAlives: true}
	for range requests {
		clients.Go(func() {
			resp, err := (&http.Client{Transport: transport}).Post("http://"+ln.Addr().String(), "", strings.NewReader("x"))
			if err == nil { // a response before the stop is valid too
				resp.Body.Close()
			}
		})
	}
	arrived.Wait()
	l.stop()
	if got := done.Load(); got != requests {
		t.Errorf("%d handlers had ended, want %d", got, requests)
	}
	clients.Wait()
}

func TestRequestAfterStopIsAborted(t *testing.T) {
	t.Parallel()
	l := startInstance(listen(t), http.NotFoundHandler(), nil)
	l.stop()
	defer func() {
		if got, _ := recover().(error); !errors.Is(got, http.ErrAbortHandler) {
			t.Errorf("ServeHTTP: got panic %v, want %v", got, http.ErrAbortHandler)
		}
	}()
	l.ServeHTTP(nil, nil)
}
