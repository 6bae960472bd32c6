package metrics

import (
	"net/http"
	"strconv"
	"time"
)

// Instrument returns a RoundTripper that counts the requests through next.
func (m *Metrics) Instrument(next http.RoundTripper) http.RoundTripper {
	return &instrumented{m, next}
}

type instrumented struct {
	metrics *Metrics
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (i *instrumented) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := i.next.RoundTrip(req)
	i.metrics.requestDurations.Observe(time.Since(start).Seconds())
	i.metrics.requests.WithLabelValues(codeOf(resp, err)).Inc()
	return resp, err
}

// codeOf returns the status code, or "other" for a code without a name. A registry can return any number, and each would be a
// series.
func codeOf(resp *http.Response, err error) string {
	switch {
	case err != nil:
		return "error"
	case http.StatusText(resp.StatusCode) == "":
		return other
	}
	return strconv.Itoa(resp.StatusCode)
}

// CloseIdleConnections closes the idle connections of next, for http.Client.CloseIdleConnections.
func (i *instrumented) CloseIdleConnections() {
	(&http.Client{Transport: i.next}).CloseIdleConnections()
}
