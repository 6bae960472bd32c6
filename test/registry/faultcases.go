package registry

import (
	"net/http"
	"time"
)

// FaultCase is a named fault without a selector: it applies to every request.
type FaultCase struct {
	Name  string
	Fault Fault
}

// longDelay exceeds every client's timeout.
const longDelay = 20 * time.Second

// FaultCases returns at least one case for each effect of a Fault. Tests use the list to check a client against every
// kind of fault.
func FaultCases() []FaultCase {
	all := []FaultCase{
		{"delay", Fault{Delay: longDelay}},
		{"hang", Fault{Hang: true}},
		{"reset", Fault{Reset: true}},
		{"delayed 503", Fault{Delay: time.Second, Status: http.StatusServiceUnavailable}},
		{"redirect to a closed port", Fault{Redirect: "https://" + closedAddr}},
		{"redirect loop", Fault{RedirectLoop: true}},
		{"body truncated to 0 bytes", Fault{Truncate: -1}},
		{"body truncated to 20 bytes", Fault{Truncate: 20}},
		{"an empty response", Fault{Status: http.StatusOK}},
		{"not JSON", Fault{Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}}},
		{"no content headers", Fault{
			DropHeader: []string{"Content-Type", "Content-Length", "Docker-Content-Digest"},
		}},
		{"a challenge of every token", Fault{Challenge: true, Cause: "invalid_token"}},
		{"a compressed body", Fault{Encode: "gzip"}},
		{"429 with Retry-After", Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}}},
	}
	for _, status := range []int{400, 401, 403, 404, 405, 408, 429, 500, 502, 503, 504} {
		all = append(all, FaultCase{http.StatusText(status), Fault{Status: status}})
	}
	return all
}
