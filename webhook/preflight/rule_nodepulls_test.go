package preflight_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

func TestPullsOfTheNodesAreEvidence(t *testing.T) {
	t.Parallel()
	const fact = "nodes report images that they pulled from this registry"
	insecure := imagepull.Verdict{Reason: imagepull.ReasonInsecureRegistry, Detail: "the registry speaks plain HTTP"}
	pulled := []corev1.Node{newNode("a", "amd64"), newNode("b", "amd64", repository+"@sha256:1", repository+":0")}
	tests := map[string]struct {
		nodes    []corev1.Node
		missing  []string
		response imagepull.Verdict
		want     string
	}{
		"plain HTTP":                        {nil, nil, insecure, "InsecureRegistry: the registry speaks plain HTTP"},
		"plain HTTP, and pulled":            {pulled, nil, insecure, "RegistryUnavailable: the registry speaks plain HTTP to Pullgate, but " + fact},
		"plain HTTP, and loaded":            {[]corev1.Node{newNode("a", "amd64", repository+":0")}, nil, insecure, "InsecureRegistry: the registry speaks plain HTTP"},
		"plain HTTP, and pulled elsewhere":  {[]corev1.Node{newNode("a", "amd64", "other.example/x@sha256:1")}, nil, insecure, "InsecureRegistry: the registry speaks plain HTTP"},
		"denied":                            {nil, nil, private, "AccessDenied: private"},
		"denied, and pulled":                {pulled, nil, private, "AccessDenied: private; " + fact},
		"denied, pulled, and not a tag":     {pulled, nil, absent, "NotFound: tag not found"},
		"denied, and a pull secret missing": {pulled, []string{"regcred"}, private, `PullSecretMissing: pull secret "regcred" does not exist in namespace "shop"; without it, the registry denies access`},
		"pullable":                          {pulled, nil, pullable, "Pullable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(t, preflight.Options{
				Resolver:    &scriptedResolver{script: map[string]imagepull.Verdict{image: test.response}},
				Credentials: &secrets{set: credentials.Set{Missing: test.missing}},
				Nodes:       newSnapshot(t, test.nodes...),
			}, image)
			if summary(got) != test.want {
				t.Errorf("got %q, want %q", summary(got), test.want)
			}
		})
	}
}
