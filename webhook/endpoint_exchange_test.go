package webhook_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// decideOn sends a review of a pod, and returns whether it is allowed.
func decideOn(t *testing.T, endpoint http.Handler) bool {
	t.Helper()
	body := encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create("Pod", podOf(exemptImage))})
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	endpoint.ServeHTTP(recorder, request)
	return decodeResponse(t, recorder.Body.Bytes()).Allowed
}

// A review ends with the handler with which it has begun, although its image is checked after the exchange.
func TestReviewsInProgressEndWithTheirHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		checks := make(chan struct{})
		former := newExemptFixture(policy.ModeEnforce, policy.Exemptions{}).handler
		former.Checker = checkerFunc(func(_ context.Context, pod imagepull.Pod, _ *corev1.PodSpec) []imagepull.Finding {
			<-checks
			return []imagepull.Finding{{Use: pod.Uses[0], Verdict: imagepull.Verdict{Reason: imagepull.ReasonNotFound}}}
		})
		endpoint := webhook.Endpoint(former)
		results := make(chan bool, 3)
		for range 2 {
			go func() { results <- decideOn(t, endpoint) }()
		}
		synctest.Wait()

		lenient := newExemptFixture(policy.ModeEnforce, policy.Exemptions{})
		lenient.handler.Actions = map[imagepull.Reason]policy.Action{imagepull.ReasonNotFound: policy.ActionAllow}
		wait := endpoint.Exchange(lenient.handler)
		if !decideOn(t, endpoint) {
			t.Error("a review after the exchange is denied by the former configuration")
		}
		waited := make(chan struct{})
		go func() {
			wait()
			close(waited)
		}()
		synctest.Wait()
		select {
		case <-waited:
			t.Error("wait() has returned while reviews are in progress")
		default:
		}
		close(checks)
		for range 2 {
			if <-results {
				t.Error("a review that began before the exchange is allowed by the new configuration")
			}
		}
		<-waited
	})
}

// The race detector finds unprotected state.
func TestHandlersAreExchangedDuringReviews(t *testing.T) {
	t.Parallel()
	handlers := []*webhook.Handler{}
	for _, mode := range []policy.Mode{policy.ModeEnforce, policy.ModeWarn} {
		handlers = append(handlers, newExemptFixture(mode, policy.Exemptions{}).handler)
	}
	for _, h := range handlers {
		h.Checker = checkerFunc(func(_ context.Context, pod imagepull.Pod, _ *corev1.PodSpec) []imagepull.Finding {
			return []imagepull.Finding{{Use: pod.Uses[0], Verdict: imagepull.Verdict{Reason: imagepull.ReasonNotFound}}}
		})
		h.Observe, h.Log = func(context.Context, webhook.Observation) {}, slog.New(slog.DiscardHandler)
	}
	endpoint := webhook.Endpoint(handlers[0])
	var reviews sync.WaitGroup
	for range 8 {
		reviews.Go(func() {
			for range 50 {
				decideOn(t, endpoint)
			}
		})
	}
	for i := range 200 {
		endpoint.Exchange(handlers[i%2])()
	}
	reviews.Wait()
	endpoint.Exchange(handlers[1])()
	if !decideOn(t, endpoint) {
		t.Error("the last handler warns, and the pod is denied")
	}
}
