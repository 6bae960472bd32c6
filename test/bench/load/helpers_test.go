package load

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// webhook is a webhook that admits the body "good", and counts the requests.
type webhook struct {
	received atomic.Int64
	proto    atomic.Value
}

func (w *webhook) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.received.Add(1)
	w.proto.Store(r.Proto + " " + r.URL.String())
	body, _ := io.ReadAll(r.Body)
	if string(body) == "broken" {
		rw.WriteHeader(http.StatusInternalServerError)
		return
	}
	response := `{"response":{"warnings":["no"],"allowed":false,"status":{"message":"no"}}}`
	if string(body) == "good" {
		response = `{"response":{"allowed":true}}`
	}
	_, _ = io.WriteString(rw, response)
}

func start(t *testing.T) (*webhook, Target) {
	t.Helper()
	w := &webhook{}
	s := httptest.NewTLSServer(w)
	t.Cleanup(s.Close)
	config := &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS12}
	return w, Target{Addr: s.Listener.Addr().String(), TLS: config}
}

// everyOther returns reviews that are denied for odd numbers.
func everyOther(i int) []byte { return []byte([]string{"good", "bad"}[i%2]) }
