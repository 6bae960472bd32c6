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

// TestEndWaitsForHandlers has handlers that do not read the body, so that only the end of the life can tell them that
// the connection is gone, and that are still busy then.
func TestEndWaitsForHandlers(t *testing.T) {
	t.Parallel()
	const requests = 16
	var arrived, clients sync.WaitGroup
	var done atomic.Int32
	arrived.Add(requests)
	ln := listen(t)
	l := begin(ln, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived.Done()
		<-r.Context().Done()
		_, _ = NewCA() // something that takes a while
		done.Add(1)
	}), nil)
	transport := &http.Transport{DisableKeepAlives: true}
	for range requests {
		clients.Go(func() {
			resp, err := (&http.Client{Transport: transport}).Post("http://"+ln.Addr().String(), "", strings.NewReader("x"))
			if err == nil { // whether the answer outruns the end is not the point
				resp.Body.Close()
			}
		})
	}
	arrived.Wait()
	l.end()
	if got := done.Load(); got != requests {
		t.Errorf("%d handlers had ended, want %d", got, requests)
	}
	clients.Wait()
}

func TestRequestAfterTheEndIsAborted(t *testing.T) {
	t.Parallel()
	l := begin(listen(t), http.NotFoundHandler(), nil)
	l.end()
	defer func() {
		if got, _ := recover().(error); !errors.Is(got, http.ErrAbortHandler) {
			t.Errorf("ServeHTTP: got panic %v, want %v", got, http.ErrAbortHandler)
		}
	}()
	l.ServeHTTP(nil, nil)
}
