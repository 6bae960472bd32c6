package integration

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// testDeadline checks images of a registry that never responds. The API server must get its response in time: testPodCases fails
// if the webhook failed open.
func testDeadline(t *testing.T, e *environment) {
	// noResponse is the outcome after the budget, which ends during the second request. The first one has shown the cause.
	noResponse := func(registry string) outcome {
		return outcome{
			Warnings: []string{`container "web": image "` + registry + `/hanging/web:1" could not be checked: RegistryUnavailable: no response in time`},
			Audited:  "Indeterminate RegistryUnavailable",
		}
	}
	var secrets []client.Object
	var names []string
	for _, name := range []string{"first", "second", "third"} {
		secrets = append(secrets, e.registry.pullSecret(name, `{"username":"`+name+`","password":"`+password+`"}`))
		names = append(names, name)
	}
	testPodCases(t, e, map[string]podCase{
		"one request": {images: []string{hanging(hangingOnce)}, want: noResponse(hangingOnce)},
		"many requests": {
			images: []string{hanging(hangingOften)}, objects: secrets, change: listing(names...), want: noResponse(hangingOften),
		},
		"other images are checked": {
			images: []string{imageGone, hanging(hangingBeside)},
			want:   outcome{Denied: goneDenied, Audited: "Unpullable NotFound,RegistryUnavailable"},
		},
	})
	t.Run("shorter timeout", func(t *testing.T) {
		t.Parallel()
		webhook := e.sharedEndpoint(t)
		webhook.url += "?timeout=2s"
		got := webhook.review(t, podRequest(t, e.namespace(t, "enforce"), e.registry.expand(hanging(hangingLong))))
		want := []string{e.registry.expand(`container "web": image "HANGING4…anging/web:1" could not be checked: DeadlineExceeded: the registry did not respond in time`)}
		if diff := cmp.Diff(want, got.Warnings); diff != "" || !got.Allowed {
			t.Errorf("allowed: %v, warnings (-want +got):\n%s", got.Allowed, diff)
		}
	})
}
