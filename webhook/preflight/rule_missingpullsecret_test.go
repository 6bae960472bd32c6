package preflight_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// A controller may create the secret after the pod.
func TestRefusalWithAMissingSecretIsPullSecretMissing(t *testing.T) {
	t.Parallel()
	missing := func(names ...string) credentials.Set { return credentials.Set{Missing: names} }
	later := func(detail string) imagepull.Verdict {
		return imagepull.Verdict{Reason: imagepull.ReasonPullSecretMissing, Detail: detail}
	}
	forbidden := refused
	forbidden.Detail = `refused; pull secret "gone" does not exist in namespace "shop"`
	opaque := missing("gone")
	opaque.Ignored = []credentials.Problem{{Subject: `pull secret "opaque"`, Detail: "its type is Opaque"}}
	noRegistry := imagepull.Verdict{Reason: imagepull.ReasonNotARegistry, Detail: "a web page"}
	lost := absent
	lost.AnyCredential = true
	tests := map[string]struct {
		problems       credentials.Set
		keys           []string
		response, want imagepull.Verdict
	}{
		"denied": {missing("gone"), nil, private, later(`pull secret "gone" does not exist in namespace "shop"; without it, the registry denies access`)},
		"denied, two missing": {
			missing("gone", "lost"), nil, private,
			later(`pull secret "gone" and 1 more do not exist in namespace "shop"; without it, the registry denies access`),
		},
		"denied, another is ignored": {
			opaque, nil, private,
			later(`pull secret "gone" does not exist in namespace "shop"; without it, the registry denies access; pull secret "opaque": its type is Opaque`),
		},
		"hidden": {missing("gone"), nil, absent, later(`pull secret "gone" does not exist in namespace "shop"; without it, tag not found`)},
		"lost":   {missing("gone"), nil, lost, lost},
		"denied to another secret": {
			missing("gone"), []string{"a"}, refused, withSource("file/a", forbidden),
		},
		"not found for another secret": {missing("gone"), []string{"a"}, absent, withSource("file/a", absent)},
		"unavailable":                  {missing("gone"), nil, unavailable, unavailable},
		"rate limited":                 {missing("gone"), nil, rateLimited, rateLimited},
		"not a registry":               {missing("gone"), nil, noRegistry, noRegistry},
		"unsupported":                  {missing("gone"), nil, schema1, schema1},
		"pullable":                     {missing("gone"), nil, pullable, pullable},
		"pullable with another secret": {missing("gone"), []string{"a"}, pullable, withSource("file/a", pullable)},
		"none missing":                 {credentials.Set{}, nil, private, private},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, requests := checkSecrets(t, test.problems, test.keys, test.response)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if len(requests) == 0 {
				t.Error("no request was sent")
			}
		})
	}
}

// A secret for another registry does not concern the image.
func TestMissingSecretBesideASecretForAnotherRegistry(t *testing.T) {
	t.Parallel()
	set := keys(t, "other.example", "a")
	set.Missing = []string{"gone"}
	got := check(t, preflight.Options{
		Resolver:    &scriptedResolver{script: map[string]imagepull.Verdict{image: private}},
		Credentials: &secrets{set: set},
	}, image)
	if got.Reason != imagepull.ReasonPullSecretMissing {
		t.Errorf("reason = %s, want PullSecretMissing", got.Reason)
	}
}

// Each image of the pod gets its own verdict.
func TestMissingSecretConcernsRefusedImagesOnly(t *testing.T) {
	t.Parallel()
	got := preflight.New(preflight.Options{
		Resolver: &scriptedResolver{script: map[string]imagepull.Verdict{
			"registry.example/private:1": private, "registry.example/public:1": pullable,
		}},
		Credentials: &secrets{set: credentials.Set{Missing: []string{"gone"}}},
	}).Check(t.Context(), pod("registry.example/private:1", "registry.example/public:1"), nil)
	if diff := cmp.Diff([]imagepull.Reason{imagepull.ReasonPullSecretMissing, imagepull.ReasonPullable}, reasons(got)); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if slices.ContainsFunc(got, func(f imagepull.Finding) bool { return len(f.Warnings) > 0 }) {
		t.Errorf("findings = %v, want none with a warning", got)
	}
}
