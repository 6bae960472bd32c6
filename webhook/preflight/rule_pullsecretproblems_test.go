package preflight_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

func TestDenialNamesTheProblemsOfPullSecrets(t *testing.T) {
	t.Parallel()
	opaque := credentials.Problem{Subject: `pull secret "opaque"`, Detail: "its type is Opaque"}
	missing := func(names ...string) credentials.Set { return credentials.Set{Missing: names} }
	ignored := func(number int) credentials.Set {
		return credentials.Set{Ignored: slices.Repeat([]credentials.Problem{opaque}, number)}
	}
	create := func(detail string) imagepull.Verdict {
		return imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: detail, Fix: "create the pull secret"}
	}
	tests := map[string]struct {
		problems       credentials.Set
		keys           []string
		response, want imagepull.Verdict
	}{
		"missing, denied": {missing("gone"), nil, private, create(`private; pull secret "gone" does not exist`)},
		"two missing, denied with a key": {
			missing("gone", "lost"), []string{"a"}, refused,
			withSource("file/a", create(`refused; pull secret "gone" and 1 more do not exist`)),
		},
		"missing, with a name longer than names are": {
			missing(strings.Repeat("x", 9999)), nil, private,
			create(`private; pull secret "` + strings.Repeat("x", 253) + `" does not exist`),
		},
		"missing, not found":   {missing("gone"), nil, absent, absent},
		"missing, unavailable": {missing("gone"), nil, unavailable, unavailable},
		"ignored, denied": {
			ignored(1), nil, private,
			imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: `private; pull secret "opaque": its type is Opaque`},
		},
		"more ignored than listed": {
			ignored(9), nil, private,
			imagepull.Verdict{
				Reason: imagepull.ReasonAccessDenied,
				Detail: "private" + strings.Repeat(`; pull secret "opaque": its type is Opaque`, 6),
			},
		},
		"ignored, pullable": {ignored(1), nil, pullable, pullable},
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

// The first pullable image of the pod gets it.
func TestMissingSecretIsOneWarning(t *testing.T) {
	t.Parallel()
	warnings := []imagepull.Warning{
		{Reason: imagepull.WarningPullSecretMissing, Message: `pull secret "gone" and 1 more do not exist`},
	}
	script := map[string]imagepull.Verdict{
		"registry.example/absent:1": absent, "registry.example/busy:1": rateLimited,
		"registry.example/a:1": pullable, "registry.example/b:1": pullable,
	}
	tests := map[string]struct {
		images []string
		warned int
	}{
		"the only image":                {[]string{"registry.example/a:1"}, 0},
		"the first of two":              {[]string{"registry.example/a:1", "registry.example/b:1"}, 0},
		"after one that is not found":   {[]string{"registry.example/absent:1", "registry.example/a:1"}, 1},
		"after an Indeterminate one":    {[]string{"registry.example/busy:1", "registry.example/a:1"}, 1},
		"after one that is not checked": {[]string{"skipped.example/x:1", "registry.example/a:1"}, 1},
		"none can be pulled":            {[]string{"registry.example/absent:1", "registry.example/busy:1"}, -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := preflight.New(preflight.Options{
				Resolver:       &scriptedResolver{script: script},
				Credentials:    &secrets{set: credentials.Set{Missing: []string{"gone", "lost"}}},
				SkipRegistries: hosts(t, "skipped.example"),
			}).Check(t.Context(), pod(test.images...), nil)
			for i, f := range got {
				var want []imagepull.Warning
				if i == test.warned {
					want = warnings
				}
				if diff := cmp.Diff(want, f.Warnings); diff != "" {
					t.Errorf("warnings on %s (-want +got):\n%s", f.Image, diff)
				}
			}
		})
	}
}

// Uses of an image share its verdict, but not the warning on a pull secret.
func TestWarningsAreNotShared(t *testing.T) {
	t.Parallel()
	artifact := pullable
	artifact.Warnings = append(make([]imagepull.Warning, 0, 4), imagepull.Warning{Reason: imagepull.WarningNotAContainerImage, Message: "a chart"})
	got := preflight.New(preflight.Options{
		Resolver:    &scriptedResolver{script: map[string]imagepull.Verdict{image: artifact}},
		Credentials: &secrets{set: credentials.Set{Missing: []string{"gone"}}},
	}).Check(t.Context(), pod(image, image), nil)
	for i, want := range []int{2, 1} {
		if len(got[i].Warnings) != want {
			t.Errorf("use %d has the warnings %v, want %d", i, got[i].Warnings, want)
		}
	}
	if spare := fmt.Sprint(artifact.Warnings[:2]); spare != fmt.Sprint([]imagepull.Warning{artifact.Warnings[0], {}}) {
		t.Errorf("the resolver's own warnings became %s", spare)
	}
}
