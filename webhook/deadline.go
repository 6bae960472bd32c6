package webhook

import (
	"context"
	"net/http"
	"time"
)

// timeoutKey is the context key of the API server's timeout.
type timeoutKey struct{}

// WithTimeout adds the API server's timeout to the context, for Handler. The API server appends it to the webhook's URL
// ("?timeout=10s"). Use WithTimeout as admission.Webhook.WithContextFunc.
func WithTimeout(ctx context.Context, r *http.Request) context.Context {
	timeout, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || timeout <= 0 {
		return ctx
	}
	return context.WithValue(ctx, timeoutKey{}, timeout)
}

// Budget bounds the time of an admission.
type Budget struct {
	// Admission is the upper bound, also if the API server waits longer.
	Admission time.Duration
	// Headroom is the time between the response and the API server's timeout.
	Headroom time.Duration
}

// of returns the budget of one request. The API server rounds its timeout up to whole seconds (kubernetes:
// staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/validating/dispatcher.go). The headroom covers that. If the
// timeout is less than twice the headroom, the budget is half of it.
func (b Budget) of(ctx context.Context) time.Duration {
	timeout, ok := ctx.Value(timeoutKey{}).(time.Duration)
	if !ok {
		return b.Admission
	}
	return min(b.Admission, max(timeout-b.Headroom, timeout/2))
}
