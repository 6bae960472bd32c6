package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestUnreadableSecretMakesAVerdictIndeterminate(t *testing.T) {
	t.Parallel()
	unreadable := credentials.Set{Unreadable: []credentials.Problem{{Subject: `pull secret "hidden"`, Detail: "forbidden"}}}
	indeterminate := imagepull.Verdict{
		Reason: imagepull.ReasonNodeCredentials,
		Detail: `Pullgate could not read pull secret "hidden": forbidden`,
		Fix:    "check Pullgate's rights and the API server",
	}
	tests := map[string]struct {
		keys           []string
		response, want imagepull.Verdict
	}{
		"pullable without a key": {nil, pullable, indeterminate},
		"denied without a key":   {nil, private, indeterminate},
		"not found":              {nil, absent, indeterminate},
		"rate limited":           {nil, rateLimited, indeterminate},
		"pullable with a key":    {[]string{"a"}, pullable, withSource("file/a", pullable)},
		"denied with a key":      {[]string{"a"}, refused, indeterminate},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, requests := checkSecrets(t, unreadable, test.keys, test.response)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if len(requests) == 0 {
				t.Error("no request was sent")
			}
		})
	}
}
