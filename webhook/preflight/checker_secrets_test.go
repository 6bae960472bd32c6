package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// A cached secret may just have been fixed.
func TestCachedSecretsAreReadAgainBeforeADenial(t *testing.T) {
	t.Parallel()
	old, corrected, gone := keys(t, host, "old"), keys(t, host, "new"), credentials.Set{Missing: []string{"regcred"}}
	other := keys(t, "other.example", "new")
	other.Missing = []string{"regcred"}
	broken := credentials.Set{Invalid: []credentials.Problem{{Subject: "pull secret", Detail: "not JSON"}}}
	hidden := credentials.Set{Unreadable: []credentials.Problem{{Subject: "pull secret", Detail: "timed out"}}}
	const readOnce, readAgain = "shop fresh=false", "shop fresh=true"
	tests := map[string]struct {
		set, fresh credentials.Set
		cached     bool
		want       imagepull.Reason
		requested  []string
		reads      []string
	}{
		"pullable": {
			corrected, old, true, imagepull.ReasonPullable, []string{image + " file/new"}, []string{readOnce},
		},
		"Indeterminate": {
			keys(t, host, "slow"), corrected, true, imagepull.ReasonRateLimited, []string{image + " file/slow"}, []string{readOnce},
		},
		"refused, and the secrets are not cached": {
			old, corrected, false, imagepull.ReasonAccessDenied, []string{image + " file/old"}, []string{readOnce},
		},
		"refused, and the secret was fixed": {
			old, corrected, true, imagepull.ReasonPullable, []string{image + " file/new", image + " file/old"}, []string{readOnce, readAgain},
		},
		"refused, and the secret is unchanged": {
			old, old, true, imagepull.ReasonAccessDenied, []string{image + " file/old"}, []string{readOnce, readAgain},
		},
		"refused, and the secret was deleted": {
			old, gone, true, imagepull.ReasonPullSecretMissing, []string{image, image + " file/old"}, []string{readOnce, readAgain},
		},
		"refused, a secret is missing, and another was fixed": {
			other, corrected, true, imagepull.ReasonPullable, []string{image, image + " file/new"}, []string{readOnce, readAgain},
		},
		"refused, and the second read fails": {
			old, hidden, true, imagepull.ReasonNodeCredentials, []string{image, image + " file/old"}, []string{readOnce, readAgain},
		},
		"invalid, and the secret was fixed": {
			broken, corrected, true, imagepull.ReasonPullable, []string{image + " file/new"}, []string{readOnce, readAgain},
		},
		"invalid, and the secret is unchanged": {
			broken, broken, true, imagepull.ReasonInvalidPullSecret, nil, []string{readOnce, readAgain},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.set.FromCache = test.cached
			creds := &secrets{set: test.set, fresh: test.fresh}
			resolver := &scriptedResolver{script: script(map[string]imagepull.Verdict{
				"": private, "file/old": refused, "file/new": pullable, "file/slow": rateLimited,
			})}
			got := check(t, preflight.Options{Resolver: resolver, Credentials: creds}, image)
			if got.Reason != test.want {
				t.Errorf("reason = %s, want %s", got.Reason, test.want)
			}
			if diff := cmp.Diff(test.requested, resolver.requests()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.reads, creds.reads); diff != "" {
				t.Errorf("secrets read (-want +got):\n%s", diff)
			}
		})
	}
}

// No secret makes a name valid.
func TestInvalidImageNameDoesNotReadSecretsAgain(t *testing.T) {
	t.Parallel()
	set := keys(t, host, "a")
	set.FromCache = true
	creds := &secrets{set: set, fresh: set}
	got := preflight.New(preflight.Options{
		Resolver:    &scriptedResolver{script: script(map[string]imagepull.Verdict{"file/a": pullable})},
		Credentials: creds,
	}).Check(t.Context(), pod(image, "Foo"), nil)
	if diff := cmp.Diff([]imagepull.Reason{imagepull.ReasonPullable, imagepull.ReasonInvalidImageName}, reasons(got)); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"shop fresh=false"}, creds.reads); diff != "" {
		t.Errorf("secrets read (-want +got):\n%s", diff)
	}
}
