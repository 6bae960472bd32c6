package webhook

import (
	"context"
	"net/http"
	"time"
)

// timeoutKey is that of the API server's patience in a request's context.
type timeoutKey struct{}

// WithTimeout keeps the timeout that the API server appends to the webhook's URL ("?timeout=10s"), for Handler. It is meant
// for admission.Webhook.WithContextFunc.
func WithTimeout(ctx context.Context, r *http.Request) context.Context {
	timeout, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || timeout <= 0 {
		return ctx
	}
	return context.WithValue(ctx, timeoutKey{}, timeout)
}

// Budget is how long an admission may take.
type Budget struct {
	// Admission is the most it may take, whatever the API server's patience.
	Admission time.Duration
	// Headroom is how much earlier than the API server's timeout the answer is ready.
	Headroom time.Duration
}

// of returns the budget of one request. The API server rounds its timeout up to whole seconds (kubernetes:
// staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/validating/dispatcher.go), which the headroom covers; where the
// timeout is hardly longer than that, half of it is used.
func (b Budget) of(ctx context.Context) time.Duration {
	timeout, ok := ctx.Value(timeoutKey{}).(time.Duration)
	if !ok {
		return b.Admission
	}
	return min(b.Admission, max(timeout-b.Headroom, timeout/2))
}
