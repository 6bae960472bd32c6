package integration

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// testDeadline asks about images of a registry that never answers. The API server must get its answer all the same, and in
// time: testPodCases fails when it was left to decide by itself.
func testDeadline(t *testing.T, e *environment) {
	noAnswer := func(image string) outcome {
		return outcome{
			Warnings: []string{`container "web": image "` + image + `" could not be checked: RegistryUnavailable: no answer in time`},
			Audited:  "Indeterminate RegistryUnavailable",
		}
	}
	// Asked with one credential after the other and each time twice, the registry would use up the API server's patience.
	var secrets []client.Object
	var names []string
	for _, name := range []string{"first", "second", "third"} {
		secrets = append(secrets, e.registry.pullSecret(name, `{"username":"`+name+`","password":"`+password+`"}`))
		names = append(names, name)
	}
	testPodCases(t, e, map[string]podCase{
		"one question": {images: []string{hanging(hangingOnce)}, want: noAnswer(hanging(hangingOnce))},
		"many questions": {
			images: []string{hanging(hangingOften)}, objects: secrets, change: listing(names...), want: noAnswer(hanging(hangingOften)),
		},
		"the others are decided": {
			images: []string{imageGone, hanging(hangingBeside)},
			want:   outcome{Denied: goneDenied, Audited: "Unpullable NotFound,RegistryUnavailable"},
		},
	})
	t.Run("less patience", func(t *testing.T) {
		t.Parallel()
		webhook := e.sharedEndpoint(t)
		webhook.url += "?timeout=2s"
		got := webhook.review(t, podRequest(t, e.namespace(t, "enforce"), e.registry.expand(hanging(hangingLong))))
		want := []string{e.registry.expand(`container "web": image "HANGING4…anging/web:1" could not be checked: DeadlineExceeded: the registry gave no answer in time`)}
		if diff := cmp.Diff(want, got.Warnings); diff != "" || !got.Allowed {
			t.Errorf("allowed: %v, warnings (-want +got):\n%s", got.Allowed, diff)
		}
	})
}
