package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// Node credentials are tried after the pod's. A denial with them is certain too.
func TestNodeCredentialsAreTriedLast(t *testing.T) {
	t.Parallel()
	const file = `{"auths": {"registry.example": {"username": "node", "password": "x"}}}`
	const node = "node/config.json"
	denied := func(source, detail, fix string) imagepull.Verdict {
		return imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: detail, Fix: fix, Credential: source}
	}
	type bySource = map[string]imagepull.Verdict
	tests := map[string]struct {
		keys      []string
		script    bySource
		want      imagepull.Verdict
		requested []string
	}{
		"node, pullable":      {nil, bySource{node: pullable}, withSource(node, pullable), []string{image + " " + node}},
		"pod, pullable":       {[]string{"a"}, bySource{"file/a": pullable}, withSource("file/a", pullable), []string{image + " file/a"}},
		"node after a denial": {[]string{"a"}, bySource{"file/a": refused, node: pullable}, withSource(node, pullable), []string{image + " file/a", image + " " + node}},
		"node, denied":        {nil, bySource{node: refused}, denied(node, "refused", imagepull.ReasonAccessDenied.Fix()), []string{image + " " + node}},
		"node, not found":     {nil, bySource{node: absent}, withSource(node, absent), []string{image + " " + node}},
		"both denied": {
			[]string{"a"}, bySource{"file/a": refused, node: refused},
			denied("file/a", "the credentials from file/a, node/config.json are refused", "renew it"),
			[]string{image + " file/a", image + " " + node},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver := &scriptedResolver{script: script(test.script)}
			got := check(t, preflight.Options{
				Resolver:    resolver,
				Credentials: withNodeConfig(t, &secrets{set: keys(t, host, test.keys...)}, &nodeConfig{text: file}),
			}, image)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.requested, resolver.requests()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}
