package registry

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestWriteError(t *testing.T) {
	t.Parallel()
	tests := map[errorCode]string{
		codeBlobUnknown:     `{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown to registry"}]}`,
		codeDenied:          `{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}`,
		codeNameUnknown:     `{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}`,
		codeTooManyRequests: `{"errors":[{"code":"TOOMANYREQUESTS","message":"too many requests"}]}`,
		codeUnauthorized:    `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`,
		codeUnsupported:     `{"errors":[{"code":"UNSUPPORTED","message":"the operation is unsupported"}]}`,
		"OTHER":             `{"errors":[{"code":"OTHER","message":""}]}`,
	}
	for code, want := range tests {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			writeError(w, http.StatusTeapot, code)
			if got := w.Body.String(); w.Code != http.StatusTeapot || got != want {
				t.Errorf("got %d %s, want 418 %s", w.Code, got, want)
			}
		})
	}
}

func TestWriteJSONOfAnUnmarshallableValue(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	writeJSON(w, http.StatusOK, make(chan int))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("got status %d, want 500", w.Code)
	}
}
