package faults

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/test/clock"
	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
)

const manifests = "/v2/shop/*"

// A registry of several servers has one that lacks the image, the account or the right. The kubelet tries again until it meets
// another one.
func TestFaultThatPassesDoesNotDeny(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		image testImage
		fault registry.Fault
	}{
		"a tag is missing once":           {single(), registry.Fault{Path: manifests, Method: http.MethodHead, AfterAuth: true, Status: http.StatusNotFound, Times: 1}},
		"a repository is forbidden once":  {single(), registry.Fault{Path: manifests, AfterAuth: true, Status: http.StatusForbidden, Times: 1}},
		"a token is refused once":         {single(), registry.Fault{Path: manifests, AfterAuth: true, Status: http.StatusUnauthorized, Times: 1}},
		"an index is missing once":        {multi(), registry.Fault{Path: manifests, Method: http.MethodGet, AfterAuth: true, Status: http.StatusNotFound, Times: 1}},
		"a manifest has no type once":     {single(), registry.Fault{Path: manifests, Method: http.MethodHead, AfterAuth: true, DropHeader: []string{"Content-Type"}, Times: 1}},
		"the login fails by POST and GET": {single(), registry.Fault{Path: "/token", Status: http.StatusUnauthorized, Times: 2}},
		"the token service forbids once":  {single(), registry.Fault{Path: "/token", Status: http.StatusForbidden, Times: 1}},
	}
	w := newTestWebhook(t, config.Default(), clock.NewImpatient())
	var cases []*admissionCase
	for name, test := range tests {
		server, host := w.open(t, test.image)
		server.Fault(test.fault)
		cases = append(cases, &admissionCase{name: name, image: host + "/" + test.image.name, want: unavailable})
	}
	w.run(t, cases, few)
	for _, c := range cases {
		c.want = allowed
	}
	t.Run("again", func(t *testing.T) { w.run(t, cases, few) })
}

// TestDenialCostsTwoLookups counts the requests of 20 concurrent pods, and of one more within the same second.
func TestDenialCostsTwoLookups(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		auth  registry.Auth
		fault registry.Fault
		want  string
		// requests is the number of requests to a path by method.
		path     string
		requests map[string]int
	}{
		// GET shows whether the tag or the repository is missing.
		"a missing tag": {
			registry.AuthNone, registry.Fault{Path: manifests, Status: http.StatusNotFound}, notFound,
			"/v2/", map[string]int{"HEAD": 2, "GET": 2},
		},
		"a wrong type": {
			registry.AuthNone, registry.Fault{Path: manifests, DropHeader: []string{"Content-Type"}}, unsupported,
			"/v2/", map[string]int{"HEAD": 2},
		},
		"a failed login": {
			registry.AuthBearer, registry.Fault{Path: "/token", Status: http.StatusUnauthorized}, accessDenied,
			// A password that is refused is not sent by POST again.
			"/token", map[string]int{"POST": 1, "GET": 2},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestWebhook(t, config.Default(), clock.NewImpatient())
			server, host := w.openWith(t, single(), test.auth)
			server.Fault(test.fault)
			send := func() {
				if got, err := w.review(t.Context(), host+"/"+single().name); err != nil || got != test.want {
					t.Errorf("got %q, %v, want %q", got, err, test.want)
				}
			}
			var pods sync.WaitGroup
			for range 20 {
				pods.Go(send)
			}
			pods.Wait()
			send()
			got := map[string]int{}
			for _, r := range server.Requests() {
				if strings.HasPrefix(r.Path, test.path) {
					got[r.Method]++
				}
			}
			if diff := cmp.Diff(test.requests, got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDenialFromTheCacheIsRecent repairs the registry, and sends pods all the time.
func TestDenialFromTheCacheIsRecent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		want   string
		oldest time.Duration
	}{
		"a missing tag": {http.StatusNotFound, notFound, time.Second},
		"denied access": {http.StatusForbidden, accessDenied, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wall := clock.NewImpatient()
			w := newTestWebhook(t, config.Default(), wall)
			server, host := w.open(t, single())
			repair := server.Fault(registry.Fault{Path: manifests, AfterAuth: true, Status: test.status})
			check := func(want string) {
				t.Helper()
				if got, err := w.review(t.Context(), host+"/"+single().name); err != nil || got != want {
					t.Errorf("got %q, %v, want %q", got, err, want)
				}
			}
			for range 20 {
				check(test.want)
				wall.Step(test.oldest)
			}
			check(test.want)
			repair()
			wall.Step(test.oldest - time.Millisecond)
			check(test.want)
			wall.Step(time.Millisecond)
			check(allowed)
		})
	}
}

// A ReplicaSet tries again after 5 ms, and doubles the delay (client-go: util/workqueue/default_rate_limiters.go). The bound on failed
// logins must not admit its pod.
func TestWrongSecretIsDeniedForEachAttemptOfAController(t *testing.T) {
	t.Parallel()
	wall := clock.NewImpatient()
	w := newTestWebhook(t, config.Default(), wall)
	server, host := w.open(t, single())
	server.Fault(registry.Fault{Path: "/token", Status: http.StatusUnauthorized})
	for delay := 5 * time.Millisecond; delay < 1000*time.Second; delay *= 2 {
		if got, err := w.review(t.Context(), host+"/"+single().name); err != nil || got != accessDenied {
			t.Errorf("before a delay of %v: got %q, %v, want %q", delay, got, err, accessDenied)
		}
		wall.Step(delay)
	}
}
