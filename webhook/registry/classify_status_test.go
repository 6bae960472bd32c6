package registry_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		http.StatusMultipleChoices:            "RegistryUnavailable: the registry returned 300",
		http.StatusNotModified:                "RegistryUnavailable: the registry returned 304",
		http.StatusPermanentRedirect:          "RegistryUnavailable: the registry returned 308",
		http.StatusBadRequest:                 "RegistryUnavailable: the registry returned 400",
		http.StatusUnauthorized:               private,
		http.StatusForbidden:                  private,
		http.StatusNotFound:                   "NotFound: tag not found",
		http.StatusMethodNotAllowed:           "RegistryUnavailable: the registry returned 405",
		http.StatusRequestTimeout:             "RegistryUnavailable: the registry returned 408; transient",
		http.StatusGone:                       "RegistryUnavailable: the registry returned 410",
		http.StatusTooManyRequests:            "RateLimited: the registry limits the rate of requests",
		http.StatusUnavailableForLegalReasons: "RegistryUnavailable: the registry returned 451",
		http.StatusInternalServerError:        "RegistryUnavailable: the registry returned 500; transient",
		http.StatusNotImplemented:             "RegistryUnavailable: the registry returned 501",
		http.StatusBadGateway:                 "RegistryUnavailable: the registry returned 502; transient",
		http.StatusServiceUnavailable:         "RegistryUnavailable: the registry returned 503; transient",
		http.StatusGatewayTimeout:             "RegistryUnavailable: the registry returned 504; transient",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{})
			w.Fault(testregistry.Fault{Status: status})
			wantVerdict(t, w.resolve(web, anonymous()), want)

			requests := []string{fmt.Sprintf("HEAD shop/web:1 %d", status)}
			if status == http.StatusNotFound || status == http.StatusMethodNotAllowed {
				requests = append(requests, fmt.Sprintf("GET shop/web:1 %d", status))
			}
			wantWire(t, w.Server, requests...)
		})
	}
}

func TestStatusesAfterTheToken(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		http.StatusUnauthorized:       refused,
		http.StatusForbidden:          refused,
		http.StatusServiceUnavailable: "RegistryUnavailable: the registry returned 503; transient",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, bearer())
			w.Fault(testregistry.Fault{AfterAuth: true, Status: status})
			wantVerdict(t, w.resolve(web, alice()), want)
			wantWire(t, w.Server, "HEAD shop/web:1 401", "POST /token alice 200",
				fmt.Sprintf("HEAD shop/web:1 token=alice %d", status))
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		status       int
		header, want string
	}{
		"seconds": {429, "30", "RateLimited: the registry limits the rate of requests; retry after 30s"},
		"a date": {
			429, now.Add(2 * time.Minute).Format(http.TimeFormat),
			"RateLimited: the registry limits the rate of requests; retry after 2m0s",
		},
		"a date in the past": {
			429, now.Add(-time.Minute).Format(http.TimeFormat),
			"RateLimited: the registry limits the rate of requests",
		},
		"more than a day": {429, "1000000", "RateLimited: the registry limits the rate of requests; retry after 24h0m0s"},
		"a far date": {
			429, "Fri, 31 Dec 9999 23:59:59 GMT",
			"RateLimited: the registry limits the rate of requests; retry after 24h0m0s",
		},
		"a number that overflows": {429, "9223372036854775807", "RateLimited: the registry limits the rate of requests"},
		"a negative number":       {429, "-1", "RateLimited: the registry limits the rate of requests"},
		"not a number":            {429, "soon", "RateLimited: the registry limits the rate of requests"},
		"of a failure":            {503, "30", "RegistryUnavailable: the registry returned 503; transient; retry after 30s"},
		"of a success is ignored": {200, "30", "Pullable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{}, func(o *registry.Options) {
				o.Clock = clocktesting.NewFakePassiveClock(now)
			})
			fault := testregistry.Fault{Header: http.Header{"Retry-After": {test.header}}}
			if test.status != http.StatusOK {
				fault.Status = test.status
			}
			w.Fault(fault)
			wantVerdict(t, w.resolve(web, anonymous()), test.want)
		})
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	const absent = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	tests := map[string]struct{ ref, want string }{
		"tag":        {host + "/shop/web:2", "NotFound: tag not found"},
		"digest":     {host + "/shop/web@" + absent, "NotFound: digest not found"},
		"repository": {host + "/shop/none:1", "NotFound: repository not found"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{})
			wantVerdict(t, w.resolve(test.ref, anonymous()), test.want)
		})
	}
}

func TestNotFoundWithoutHEAD(t *testing.T) {
	t.Parallel()
	w := newFixture(t, testregistry.Config{})
	w.Fault(testregistry.Fault{Method: http.MethodHead, Status: http.StatusMethodNotAllowed})
	wantVerdict(t, w.resolve(host+"/shop/none:1", anonymous()), "NotFound: repository not found")
	wantWire(t, w.Server, "HEAD shop/none:1 405", "GET shop/none:1 404")
}

// A node sends no request after 404, so the response to the GET for the error code must not change the verdict.
func TestNotFoundDoesNotDependOnTheBody(t *testing.T) {
	t.Parallel()
	tests := map[string]testregistry.Fault{
		"the body is garbage":   {Status: 404, Body: "<html>"},
		"the body is truncated": {Status: 404, Body: `{"errors":[{"code":"NAME_UNKNOWN"}]}`, Truncate: 5},
		"GET finds the image":   {},
		"GET is denied":         {Status: 403},
		"the connection breaks": {Reset: true},
	}
	for name, get := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{})
			w.Fault(testregistry.Fault{Method: http.MethodHead, Status: http.StatusNotFound})
			get.Method = http.MethodGet
			w.Fault(get)
			wantVerdict(t, w.resolve(web, anonymous()), "NotFound: tag not found")
		})
	}
}
