package webhook

import (
	"context"
	"net/http"
)

// decodedKey is the context key of a flag that is set once a request was decoded as an AdmissionReview.
type decodedKey struct{}

func markDecoded(ctx context.Context) {
	if decoded, ok := ctx.Value(decodedKey{}).(*bool); ok {
		*decoded = true
	}
}

// RejectInvalidReview responds 400 Bad Request to a request that is not an AdmissionReview. The API server treats that as a
// failed call, subject to the failurePolicy. controller-runtime itself would respond "not allowed".
func RejectInvalidReview(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		decoded := false
		r = r.WithContext(context.WithValue(r.Context(), decodedKey{}, &decoded))
		next.ServeHTTP(&reviewWriter{ResponseWriter: w, decoded: &decoded}, r)
	})
}

// reviewWriter passes on responses to decoded reviews only.
type reviewWriter struct {
	http.ResponseWriter
	decoded  *bool
	rejected bool
}

// Write implements io.Writer.
func (w *reviewWriter) Write(b []byte) (int, error) {
	switch {
	case *w.decoded:
		return w.ResponseWriter.Write(b)
	case !w.rejected:
		w.rejected = true
		http.Error(w.ResponseWriter, "request body is not a valid AdmissionReview", http.StatusBadRequest)
	}
	return len(b), nil
}
