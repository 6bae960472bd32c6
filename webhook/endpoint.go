package webhook

import (
	"net/http"

	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// Endpoint returns the HTTP handler of the webhook, for Path. It rejects requests that are not reviews, and bounds each
// request by the timeout that the API server sends.
func Endpoint(h *Handler) http.Handler {
	return RejectInvalidReview(&admission.Webhook{Handler: h, WithContextFunc: WithTimeout})
}
