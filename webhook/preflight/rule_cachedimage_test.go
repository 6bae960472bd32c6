package preflight_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

func TestIfNotPresentFollowsTheNodes(t *testing.T) {
	t.Parallel()
	unlessOnAllNodes := func(v imagepull.Verdict) map[string]imagepull.Verdict {
		return map[string]imagepull.Verdict{
			"no node": v, "unreported": v, "absent": v, "local": v, "some nodes": v, "loaded": present, "pulled": v,
		}
	}
	weakened := func(reason imagepull.Reason, detail string) imagepull.Verdict {
		return imagepull.Verdict{Reason: reason, Detail: detail, Fix: "renew it"}
	}
	tests := map[string]struct {
		response imagepull.Verdict
		want     map[string]imagepull.Verdict
	}{
		"absent": {absent, map[string]imagepull.Verdict{
			"no node": absent, "unreported": absentMaybe, "absent": absent, "local": absentRecent, "some nodes": absentHere,
			"loaded": presentBut("tag not found"), "pulled": absentPulled,
		}},
		"denied": {refused, map[string]imagepull.Verdict{
			"no node":    refused,
			"unreported": weakened(imagepull.ReasonNodeCacheUnreported, "refused, but a node may hold the image without reporting it"),
			"absent":     refused,
			"local":      weakened(imagepull.ReasonNodeCacheUnreported, "refused, but the image may have been loaded onto a node a moment ago"),
			"some nodes": weakened(imagepull.ReasonNodeCache, "refused, but some nodes hold the image"),
			"loaded":     present,
			"pulled":     weakened(imagepull.ReasonNodeCache, "refused, but the nodes hold the image and may not verify access again"),
		}},
		"pullable":     {pullable, unlessOnAllNodes(pullable)},
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
				if requested := resolver.requests(); len(requested) != 1 {
					t.Errorf("requests = %q, want one", requested)
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

// The registry decides only a warning, so a registry that does not respond delays the pod by a second at most.
func TestImageOnEveryNodeDoesNotWaitForTheRegistry(t *testing.T) {
	t.Parallel()
	other := "registry.example/shop/other:1"
	hanging := resolverFunc(func(ctx context.Context, ref imagepull.Reference, _ imagepull.Credential) imagepull.Verdict {
		if ref.String() == other {
			return pullable
		}
		<-ctx.Done()
		return imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded}
	})
	onNode := func(policies ...imagepull.PullPolicy) imagepull.Pod {
		p := pod(slices.Repeat([]string{image}, len(policies))...)
		for i, policy := range policies {
			p.Uses[i].PullPolicy = policy
		}
		return p
	}
	beside := pod(image, other)
	beside.Uses[0].PullPolicy = imagepull.PullIfNotPresent
	tests := map[string]struct {
		pod  imagepull.Pod
		wait time.Duration
		want []imagepull.Reason
	}{
		"alone": {onNode(imagepull.PullIfNotPresent), time.Second, []imagepull.Reason{imagepull.ReasonPresentOnNode}},
		"twice": {onNode(imagepull.PullIfNotPresent, imagepull.PullIfNotPresent), time.Second, []imagepull.Reason{
			imagepull.ReasonPresentOnNode, imagepull.ReasonPresentOnNode,
		}},
		"beside another image": {beside, time.Second, []imagepull.Reason{imagepull.ReasonPresentOnNode, imagepull.ReasonPullable}},
		"a second container always pulls it": {onNode(imagepull.PullIfNotPresent, imagepull.PullAlways), 8 * time.Second, []imagepull.Reason{
			imagepull.ReasonPresentOnNode, imagepull.ReasonDeadlineExceeded,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := clusters(t)["loaded"]
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
				defer cancel()
				begin := time.Now()
				got := preflight.New(preflight.Options{Resolver: hanging, Credentials: &secrets{}, Nodes: cluster}).Check(ctx, test.pod, nil)
				if diff := cmp.Diff(test.want, reasons(got)); diff != "" {
					t.Errorf("reasons (-want +got):\n%s", diff)
				}
				if waited := time.Since(begin); waited != test.wait {
					t.Errorf("waited %s, want %s", waited, test.wait)
				}
			})
		})
	}
}

func TestSettingsOfTheKubeletsReachTheNodes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options preflight.Options
		cluster string
		want    imagepull.Reason
	}{
		"a pulled image, never verified":  {preflight.Options{VerifyImages: imagepull.NeverVerify}, "pulled", imagepull.ReasonPresentOnNode},
		"a loaded image, always verified": {preflight.Options{VerifyImages: imagepull.AlwaysVerify}, "loaded", imagepull.ReasonNodeCache},
		"lists of one image are cut off":  {preflight.Options{MaxReportedImages: 1}, "absent", imagepull.ReasonNodeCacheUnreported},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.options.Resolver = &scriptedResolver{script: map[string]imagepull.Verdict{image: absent}}
			test.options.Credentials, test.options.Nodes = &secrets{}, clusters(t)[test.cluster]
			got := preflight.New(test.options).Check(t.Context(), withPolicy(imagepull.PullIfNotPresent), nil)
			if got[0].Reason != test.want {
				t.Errorf("reason = %s, want %s", got[0].Reason, test.want)
			}
		})
	}
}

// The kubelet reads credentials only if it pulls.
func TestInvalidSecretDoesNotMatterOnNodesWithTheImage(t *testing.T) {
	t.Parallel()
	invalid := credentials.Set{Invalid: []credentials.Problem{{Subject: "pull secret", Detail: "not JSON"}}}
	want := map[string]imagepull.Reason{
		"no node": imagepull.ReasonInvalidPullSecret, "unreported": imagepull.ReasonNodeCacheUnreported, "absent": imagepull.ReasonInvalidPullSecret,
		"local": imagepull.ReasonNodeCacheUnreported, "some nodes": imagepull.ReasonNodeCache, "loaded": imagepull.ReasonPresentOnNode, "pulled": imagepull.ReasonNodeCache,
	}
	for presence, cluster := range clusters(t) {
		checker := preflight.New(preflight.Options{Resolver: &scriptedResolver{}, Credentials: &secrets{set: invalid}, Nodes: cluster})
		got := checker.Check(t.Context(), withPolicy(imagepull.PullIfNotPresent), nil)
		if got[0].Reason != want[presence] {
			t.Errorf("%s: reason = %s, want %s", presence, got[0].Reason, want[presence])
		}
	}
}
