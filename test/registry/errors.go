package registry

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// errorCode is a code of the distribution specification.
type errorCode string

const (
	codeBlobUnknown     errorCode = "BLOB_UNKNOWN"
	codeDenied          errorCode = "DENIED"
	codeNameUnknown     errorCode = "NAME_UNKNOWN"
	codeTooManyRequests errorCode = "TOOMANYREQUESTS"
	codeUnauthorized    errorCode = "UNAUTHORIZED"
	codeUnsupported     errorCode = "UNSUPPORTED"
)

// message is the text that goes with the code.
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

// writeError answers as the distribution specification wants errors answered.
func writeError(w http.ResponseWriter, status int, code errorCode) {
	writeJSON(w, status, map[string]any{
		"errors": []map[string]string{{"code": string(code), "message": code.message()}},
	})
}

// writeJSON answers with a value that always marshals: maps of strings and numbers only.
func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_, _ = w.Write(body)
}
