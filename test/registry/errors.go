package registry

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// errorCode is an error code of the distribution specification.
type errorCode string

const (
	codeBlobUnknown     errorCode = "BLOB_UNKNOWN"
	codeDenied          errorCode = "DENIED"
	codeNameUnknown     errorCode = "NAME_UNKNOWN"
	codeTooManyRequests errorCode = "TOOMANYREQUESTS"
	codeUnauthorized    errorCode = "UNAUTHORIZED"
	codeUnsupported     errorCode = "UNSUPPORTED"
)

// message returns the text for the code.
func (c errorCode) message() string {
	switch c {
	case codeBlobUnknown:
		return "blob unknown to registry"
	case codeDenied:
		return "requested access to the resource is denied"
	case codeNameUnknown:
		return "repository name not known to registry"
	case codeTooManyRequests:
		return "too many requests"
	case codeUnauthorized:
		return "authentication required"
	case codeUnsupported:
		return "the operation is unsupported"
	}
	return ""
}

// writeError writes an error response in the form of the distribution specification.
func writeError(w http.ResponseWriter, status int, code errorCode) {
	writeJSON(w, status, map[string]any{
		"errors": []map[string]string{{"code": string(code), "message": code.message()}},
	})
}

// writeJSON writes a JSON response. The value must be a map of strings and numbers, which always marshals.
func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// A write error means that the client is gone, so it is ignored.
	_, _ = w.Write(body)
}
