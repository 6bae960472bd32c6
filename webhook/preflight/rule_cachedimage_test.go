package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

func TestIfNotPresent(t *testing.T) {
	t.Parallel()
	doubtful := func(v imagepull.Verdict) map[string]imagepull.Verdict {
		return map[string]imagepull.Verdict{
			"no node": v, "not reported": v, "nowhere": v, "somewhere": v, "loaded": onNodes, "pulled": onNodes,
		}
	}
	tests := map[string]struct {
		answer imagepull.Verdict
		want   map[string]imagepull.Verdict
	}{
		"absent": {absent, map[string]imagepull.Verdict{
			"no node": absent, "not reported": absentMaybe, "nowhere": absent, "somewhere": absentHere, "loaded": onNodes, "pulled": onNodes,
		}},
		"refused": {refused, map[string]imagepull.Verdict{
			"no node":      refused,
			"not reported": {Reason: imagepull.ReasonNodeCache, Detail: "refused, but a node may hold the image without reporting it", Fix: "renew it"},
			"nowhere":      refused,
			"somewhere":    {Reason: imagepull.ReasonNodeCache, Detail: "refused, but some nodes hold the image", Fix: "renew it"},
			"loaded":       onNodes,
			"pulled":       {Reason: imagepull.ReasonNodeCache, Detail: "refused, but the nodes hold the image and may not verify access again", Fix: "renew it"},
		}},
		"works": {works, map[string]imagepull.Verdict{
			"no node": works, "not reported": works, "nowhere": works, "somewhere": works, "loaded": onNodes, "pulled": works,
		}},
		"unavailable": {unavailable, doubtful(unavailable)},
		"busy":        {busy, doubtful(busy)},
	}
	for name, test := range tests {
		for holder, cluster := range holders(t) {
			t.Run(name+", "+holder, func(t *testing.T) {
				t.Parallel()
				resolver := &registry{script: map[string]imagepull.Verdict{image: test.answer}}
				checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}, Nodes: cluster})
				got := checker.Check(t.Context(), withPolicy(imagepull.PullIfNotPresent), nil)
				if diff := cmp.Diff(test.want[holder], got[0].Verdict); diff != "" {
					t.Errorf("verdict (-want +got):\n%s", diff)
				}
				if asked := len(resolver.questions()) > 0; asked != (holder != "loaded") {
					t.Errorf("asked the registry: %t", asked)
				}
			})
		}
	}
}

// TestAlways asks the registry, whatever the nodes hold.
func TestAlways(t *testing.T) {
	t.Parallel()
	for holder, cluster := range holders(t) {
		got := check(t, preflight.Options{
			Resolver: &registry{script: map[string]imagepull.Verdict{image: absent}}, Credentials: &secrets{}, Nodes: cluster,
		}, image)
		if diff := cmp.Diff(absent, got); diff != "" {
			t.Errorf("%s: verdict (-want +got):\n%s", holder, diff)
		}
	}
}

// TestBrokenSecretOfAnImageOnTheNodes: a kubelet looks for credentials only if it has to ask the registry.
func TestBrokenSecretOfAnImageOnTheNodes(t *testing.T) {
	t.Parallel()
	broken := credentials.Set{Invalid: []credentials.Problem{{Subject: "pull secret", Detail: "not JSON"}}}
	want := map[string]imagepull.Reason{
		"no node": imagepull.ReasonInvalidPullSecret, "not reported": imagepull.ReasonNodeCache, "nowhere": imagepull.ReasonInvalidPullSecret,
		"somewhere": imagepull.ReasonNodeCache, "loaded": imagepull.ReasonPresentOnNode, "pulled": imagepull.ReasonNodeCache,
	}
	for holder, cluster := range holders(t) {
		checker := preflight.New(preflight.Options{Resolver: &registry{}, Credentials: &secrets{set: broken}, Nodes: cluster})
		got := checker.Check(t.Context(), withPolicy(imagepull.PullIfNotPresent), nil)
		if got[0].Reason != want[holder] {
			t.Errorf("%s: reason = %s, want %s", holder, got[0].Reason, want[holder])
		}
	}
}
