// Package webhook is the admission webhook: it turns an AdmissionReview into a decision and the response to it.
//
//	AdmissionReview → podspec (uses) → Checker (findings) → policy (Decision) → AdmissionResponse
//
// Only a verdict on an image denies an object. A review that exceeds a bound, an object that cannot be decoded, and a panic in
// Pullgate admit the object with a warning. [Handler] needs a [Checker], the modes of namespaces and a [Budget]:
//
//	h := &webhook.Handler{Checker: checker, Modes: modes, Budget: budget, Observe: observe, Log: log}
//	mux.Handle(webhook.Path, webhook.Endpoint(h))
package webhook
