package registry

import (
	"net/http"
	"time"
)

// Misdeed is a way to misbehave, by name. The fault chooses no requests yet: it strikes all of them.
type Misdeed struct {
	Name  string
	Fault Fault
}

// long is longer than anybody waits.
const long = 20 * time.Second

// Misdeeds are at least one for everything that a Fault can do. The list is for those who want to know what becomes of a client
// whatever a registry does to it.
func Misdeeds() []Misdeed {
	all := []Misdeed{
		{"delay", Fault{Delay: long}},
		{"hang", Fault{Hang: true}},
		{"reset", Fault{Reset: true}},
		{"slow and then 503", Fault{Delay: time.Second, Status: http.StatusServiceUnavailable}},
		{"redirect to nowhere", Fault{Redirect: "https://" + nobody}},
		{"redirect loop", Fault{RedirectLoop: true}},
		{"no bytes of the body", Fault{Truncate: -1}},
		{"half a body", Fault{Truncate: 20}},
		{"an empty answer", Fault{Status: http.StatusOK}},
		{"not JSON", Fault{Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}}},
		{"no headers that matter", Fault{
			DropHeader: []string{"Content-Type", "Content-Length", "Docker-Content-Digest"},
		}},
		{"come back later", Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}}},
	}
	for _, status := range []int{400, 401, 403, 404, 405, 408, 429, 500, 502, 503, 504} {
		all = append(all, Misdeed{http.StatusText(status), Fault{Status: status}})
	}
	return all
}
