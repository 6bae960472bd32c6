package preflight_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// TestUnknownNodeCredentials: where nodes hold more than Pullgate could get, a refusal is no certainty. What the registry
// says of the image itself is one, and so is that it can be pulled.
func TestUnknownNodeCredentials(t *testing.T) {
	t.Parallel()
	doubt := imagepull.Verdict{
		Reason: imagepull.ReasonNodeCredentials,
		Detail: "the nodes may have a credential that Pullgate could not get: the nodes' config.json: it can't be read",
	}
	for name, test := range map[string]struct {
		keys         []string
		answer, want imagepull.Verdict
	}{
		"refused":                       {nil, private, doubt},
		"refused with a secret":         {[]string{"a"}, refused, doubt},
		"not found, which may be a lie": {nil, absent, doubt},
		"not usable":                    {nil, schema1, schema1},
		"no answer":                     {nil, unavailable, unavailable},
		"works":                         {nil, works, works},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(t, preflight.Options{
				Resolver: resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
					return test.answer
				}),
				Credentials: onNode(t, &secrets{set: keys(t, host, test.keys...)}, &nodeFile{text: "{}", once: true}),
			}, image)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}
