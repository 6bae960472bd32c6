package preflight_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// The kubelet tries all credentials, after any failure.
func TestFailedNodeCredentialsMakeAFailureIndeterminate(t *testing.T) {
	t.Parallel()
	incomplete := imagepull.Verdict{
		Reason: imagepull.ReasonNodeCredentials,
		Detail: "the nodes may have a credential that Pullgate could not get: the nodes' config.json: it cannot be read",
	}
	lost := absent
	lost.AnyCredential = true
	for name, test := range map[string]struct {
		keys           []string
		response, want imagepull.Verdict
	}{
		"denied":               {nil, private, incomplete},
		"denied with a secret": {[]string{"a"}, refused, incomplete},
		"not found":            {nil, absent, incomplete},
		"unsupported":          {nil, schema1, incomplete},
		"for any credential":   {nil, lost, lost},
		"unavailable":          {nil, unavailable, unavailable},
		"pullable":             {nil, pullable, pullable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(t, preflight.Options{
				Resolver: resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
					return test.response
				}),
				Credentials: withNodeConfig(t, &secrets{set: keys(t, host, test.keys...)}, &nodeConfig{text: "{}", once: true}),
			}, image)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}
