package webhook

import (
	"context"
	"net/http"
	"time"
)

// Budget bounds the time of an admission.
type Budget struct {
	// Admission is the upper bound, also if the API server waits longer.
	Admission time.Duration
	// Headroom is the time between the response and the API server's timeout.
	Headroom time.Duration
}

// of returns the budget of one request. The API server appends its timeout to the webhook's URL ("?timeout=10s"), rounded up
// to whole seconds (kubernetes: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/validating/dispatcher.go). The
// headroom covers that. If the timeout is less than twice the headroom, the budget is half of it.
func (b Budget) of(r *http.Request) time.Duration {
	timeout, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || timeout <= 0 {
		return b.Admission
	}
	return min(b.Admission, max(timeout-b.Headroom, timeout/2))
}

// budgetAt returns the time from a start to the context's deadline, or 0 without one.
func budgetAt(ctx context.Context, start time.Time) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return deadline.Sub(start)
}
