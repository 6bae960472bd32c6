package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// TestRememberedSecrets: nobody is refused on the strength of a secret that was corrected a moment ago.
func TestRememberedSecrets(t *testing.T) {
	t.Parallel()
	old, corrected, gone := keys(t, host, "old"), keys(t, host, "new"), credentials.Set{Missing: []string{"regcred"}}
	broken := credentials.Set{Invalid: []credentials.Problem{{Subject: "pull secret", Detail: "not JSON"}}}
	hidden := credentials.Set{Unreadable: []credentials.Problem{{Subject: "pull secret", Detail: "timed out"}}}
	const readOnce, readAgain = "shop fresh=false", "shop fresh=true"
	tests := map[string]struct {
		set, fresh credentials.Set
		remembered bool
		want       imagepull.Reason
		asked      []string
		read       []string
	}{
		"works": {
			corrected, old, true, imagepull.ReasonPullable, []string{image + " file/new"}, []string{readOnce},
		},
		"doubt": {
			keys(t, host, "slow"), corrected, true, imagepull.ReasonRateLimited, []string{image + " file/slow"}, []string{readOnce},
		},
		"refused, but read just now": {
			old, corrected, false, imagepull.ReasonAccessDenied, []string{image + " file/old"}, []string{readOnce},
		},
		"refused, and corrected since": {
			old, corrected, true, imagepull.ReasonPullable, []string{image + " file/new", image + " file/old"}, []string{readOnce, readAgain},
		},
		"refused, and unchanged": {
			old, old, true, imagepull.ReasonAccessDenied, []string{image + " file/old"}, []string{readOnce, readAgain},
		},
		"refused, and deleted since": {
			old, gone, true, imagepull.ReasonAccessDenied, []string{image, image + " file/old"}, []string{readOnce, readAgain},
		},
		"refused, and not to be read again": {
			old, hidden, true, imagepull.ReasonNodeCredentials, []string{image, image + " file/old"}, []string{readOnce, readAgain},
		},
		"broken, and corrected since": {
			broken, corrected, true, imagepull.ReasonPullable, []string{image + " file/new"}, []string{readOnce, readAgain},
		},
		"broken, and unchanged": {
			broken, broken, true, imagepull.ReasonInvalidPullSecret, nil, []string{readOnce, readAgain},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.set.FromCache = test.remembered
			creds := &secrets{set: test.set, fresh: test.fresh}
			resolver := &registry{script: answers(map[string]imagepull.Verdict{
				"": private, "file/old": refused, "file/new": works, "file/slow": busy,
			})}
			got := check(t, preflight.Options{Resolver: resolver, Credentials: creds}, image)
			if got.Reason != test.want {
				t.Errorf("reason = %s, want %s", got.Reason, test.want)
			}
			if diff := cmp.Diff(test.asked, resolver.questions()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.read, creds.asked); diff != "" {
				t.Errorf("secrets read (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRememberedSecretsOfABadName: no secret makes a name valid, so that none is read for it.
func TestRememberedSecretsOfABadName(t *testing.T) {
	t.Parallel()
	set := keys(t, host, "a")
	set.FromCache = true
	creds := &secrets{set: set, fresh: set}
	got := preflight.New(preflight.Options{
		Resolver:    &registry{script: answers(map[string]imagepull.Verdict{"file/a": works})},
		Credentials: creds,
	}).Check(t.Context(), pod(image, "Foo"), nil)
	if diff := cmp.Diff([]imagepull.Reason{imagepull.ReasonPullable, imagepull.ReasonInvalidImageName}, reasons(got)); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"shop fresh=false"}, creds.asked); diff != "" {
		t.Errorf("secrets read (-want +got):\n%s", diff)
	}
}

// TestFreshSecretsDecideWarnings: the advice is on the secrets as they are now.
func TestFreshSecretsDecideWarnings(t *testing.T) {
	t.Parallel()
	old := keys(t, host, "old")
	old.FromCache = true
	now := keys(t, host, "new")
	now.Missing = []string{"gone"}
	got := check(t, preflight.Options{
		Resolver:    &registry{script: answers(map[string]imagepull.Verdict{"file/old": refused, "file/new": works})},
		Credentials: &secrets{set: old, fresh: now},
	}, image)
	if len(got.Warnings) != 1 || got.Warnings[0].Reason != imagepull.WarningPullSecretMissing {
		t.Errorf("advice = %v, want that a pull secret is missing", got.Warnings)
	}
}
