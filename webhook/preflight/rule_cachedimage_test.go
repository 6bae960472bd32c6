package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

func TestIfNotPresentFollowsTheNodes(t *testing.T) {
	t.Parallel()
	unlessOnAllNodes := func(v imagepull.Verdict) map[string]imagepull.Verdict {
		return map[string]imagepull.Verdict{
			"no node": v, "unreported": v, "absent": v, "some nodes": v, "loaded": present, "pulled": present,
		}
	}
	tests := map[string]struct {
		response imagepull.Verdict
		want     map[string]imagepull.Verdict
	}{
		"absent": {absent, map[string]imagepull.Verdict{
			"no node": absent, "unreported": absentMaybe, "absent": absent, "some nodes": absentHere, "loaded": present, "pulled": present,
		}},
		"denied": {refused, map[string]imagepull.Verdict{
			"no node":    refused,
			"unreported": {Reason: imagepull.ReasonNodeCache, Detail: "refused, but a node may hold the image without reporting it", Fix: "renew it"},
			"absent":     refused,
			"some nodes": {Reason: imagepull.ReasonNodeCache, Detail: "refused, but some nodes hold the image", Fix: "renew it"},
			"loaded":     present,
			"pulled":     {Reason: imagepull.ReasonNodeCache, Detail: "refused, but the nodes hold the image and may not verify access again", Fix: "renew it"},
		}},
		"pullable": {pullable, map[string]imagepull.Verdict{
			"no node": pullable, "unreported": pullable, "absent": pullable, "some nodes": pullable, "loaded": present, "pulled": pullable,
		}},
		"unavailable":  {unavailable, unlessOnAllNodes(unavailable)},
		"rate limited": {rateLimited, unlessOnAllNodes(rateLimited)},
	}
	for name, test := range tests {
		for presence, cluster := range clusters(t) {
			t.Run(name+", "+presence, func(t *testing.T) {
				t.Parallel()
				resolver := &scriptedResolver{script: map[string]imagepull.Verdict{image: test.response}}
				checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}, Nodes: cluster})
				got := checker.Check(t.Context(), withPolicy(imagepull.PullIfNotPresent), nil)
				if diff := cmp.Diff(test.want[presence], got[0].Verdict); diff != "" {
					t.Errorf("verdict (-want +got):\n%s", diff)
				}
				if requested := len(resolver.requests()) > 0; requested != (presence != "loaded") {
					t.Errorf("sent a request: %t", requested)
				}
			})
		}
	}
}

func TestPolicyAlwaysIgnoresTheNodes(t *testing.T) {
	t.Parallel()
	for presence, cluster := range clusters(t) {
		got := check(t, preflight.Options{
			Resolver: &scriptedResolver{script: map[string]imagepull.Verdict{image: absent}}, Credentials: &secrets{}, Nodes: cluster,
		}, image)
		if diff := cmp.Diff(absent, got); diff != "" {
			t.Errorf("%s: verdict (-want +got):\n%s", presence, diff)
		}
	}
}

// The kubelet reads credentials only if it pulls.
func TestInvalidSecretDoesNotMatterOnNodesWithTheImage(t *testing.T) {
	t.Parallel()
	invalid := credentials.Set{Invalid: []credentials.Problem{{Subject: "pull secret", Detail: "not JSON"}}}
	want := map[string]imagepull.Reason{
		"no node": imagepull.ReasonInvalidPullSecret, "unreported": imagepull.ReasonNodeCache, "absent": imagepull.ReasonInvalidPullSecret,
		"some nodes": imagepull.ReasonNodeCache, "loaded": imagepull.ReasonPresentOnNode, "pulled": imagepull.ReasonNodeCache,
	}
	for presence, cluster := range clusters(t) {
		checker := preflight.New(preflight.Options{Resolver: &scriptedResolver{}, Credentials: &secrets{set: invalid}, Nodes: cluster})
		got := checker.Check(t.Context(), withPolicy(imagepull.PullIfNotPresent), nil)
		if got[0].Reason != want[presence] {
			t.Errorf("%s: reason = %s, want %s", presence, got[0].Reason, want[presence])
		}
	}
}
