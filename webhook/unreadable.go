package webhook

import (
	"context"
	"net/http"
)

// reachedKey is that of a flag in a request's context, set once the request has become an admission review.
type reachedKey struct{}

func markReached(ctx context.Context) {
	if reached, ok := ctx.Value(reachedKey{}).(*bool); ok {
		*reached = true
	}
}

// RejectUnreadable answers requests that are no admission review with 400 Bad Request, which the API server takes as a
// failed call, subject to the failurePolicy. controller-runtime by itself answers "not allowed".
func RejectUnreadable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached := false
		r = r.WithContext(context.WithValue(r.Context(), reachedKey{}, &reached))
		next.ServeHTTP(&reviewWriter{ResponseWriter: w, reached: &reached}, r)
	})
}

// reviewWriter passes on the answers of the handler only.
type reviewWriter struct {
	http.ResponseWriter
	reached  *bool
	rejected bool
}

// Write implements io.Writer.
func (w *reviewWriter) Write(b []byte) (int, error) {
	switch {
	case *w.reached:
		return w.ResponseWriter.Write(b)
	case !w.rejected:
		w.rejected = true
		http.Error(w.ResponseWriter, "this is no admission review that can be read", http.StatusBadRequest)
	}
	return len(b), nil
}
