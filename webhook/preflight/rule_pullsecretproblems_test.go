package preflight_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestDenialNamesTheProblemsOfPullSecrets(t *testing.T) {
	t.Parallel()
	opaque := credentials.Problem{Subject: `pull secret "opaque"`, Detail: "its type is Opaque"}
	ignored := func(number int) credentials.Set {
		return credentials.Set{Ignored: slices.Repeat([]credentials.Problem{opaque}, number)}
	}
	tests := map[string]struct {
		problems       credentials.Set
		response, want imagepull.Verdict
	}{
		"ignored, denied": {
			ignored(1), private,
			imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: `private; pull secret "opaque": its type is Opaque`},
		},
		"more ignored than listed": {
			ignored(9), private,
			imagepull.Verdict{
				Reason: imagepull.ReasonAccessDenied,
				Detail: "private" + strings.Repeat(`; pull secret "opaque": its type is Opaque`, 6),
			},
		},
		"ignored, not found": {ignored(1), absent, absent},
		"ignored, pullable":  {ignored(1), pullable, pullable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, requests := checkSecrets(t, test.problems, nil, test.response)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if len(requests) == 0 {
				t.Error("no request was sent")
			}
		})
	}
}
