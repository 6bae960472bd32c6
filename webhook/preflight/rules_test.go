package preflight_test

import (
	"testing"
	"time"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// The order of the rules decides where two apply to the same verdict.
func TestFirstRuleThatAppliesNamesTheCause(t *testing.T) {
	t.Parallel()
	unreadable := credentials.Set{Unreadable: []credentials.Problem{{Subject: "pull secret", Detail: "timed out"}}}
	unmounted := withPolicy(imagepull.PullIfNotPresent)
	unmounted.Uses[0].Kind, unmounted.Uses[0].Unmounted = imagepull.Volume, true
	tests := map[string]struct {
		set     credentials.Set
		pod     imagepull.Pod
		options preflight.Options
		want    string
	}{
		"unreadable secret before node identity": {
			set: unreadable, pod: pod(image), options: preflight.Options{CredentialedRegistries: hosts(t, host)},
			want: "NodeCredentials: Pullgate could not read pull secret: timed out",
		},
		"node identity before missing pull secret": {
			set: credentials.Set{Missing: []string{"gone"}}, pod: pod(image), options: preflight.Options{CredentialedRegistries: hosts(t, host)},
			want: "NodeCredentials: access is denied with the credentials that Pullgate can see, but the nodes may have an identity of their own",
		},
		"cached image before unmounted volume": {
			pod: unmounted, options: preflight.Options{Nodes: clusters(t)["some nodes"]},
			want: "NodeCache: private, but some nodes hold the image",
		},
		"cached image before missing pull secret": {
			set: credentials.Set{Missing: []string{"gone"}}, pod: withPolicy(imagepull.PullIfNotPresent),
			options: preflight.Options{Nodes: clusters(t)["some nodes"]},
			want:    `NodeCache: private; pull secret "gone" does not exist in namespace "shop", but some nodes hold the image`,
		},
		"cached image that is verified before missing pull secret": {
			set: credentials.Set{Missing: []string{"gone"}}, pod: withPolicy(imagepull.PullIfNotPresent),
			options: preflight.Options{Nodes: clusters(t)["pulled"]},
			want: `NodeCache: private; pull secret "gone" does not exist in namespace "shop", ` +
				"but the nodes hold the image and may not verify access again",
		},
		"unmounted volume before missing pull secret": {
			set: credentials.Set{Missing: []string{"gone"}}, pod: unmounted,
			want: "NotChecked: no container mounts the volume (UnmountedImageVolume: no container mounts the volume, " +
				`whose image cannot be pulled: private; pull secret "gone" does not exist in namespace "shop")`,
		},
		"unreadable secret before missing pull secret": {
			set: credentials.Set{Missing: []string{"gone"}, Unreadable: unreadable.Unreadable}, pod: pod(image),
			want: "NodeCredentials: Pullgate could not read pull secret: timed out",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.options.Resolver = &scriptedResolver{script: map[string]imagepull.Verdict{image: private}}
			test.options.Credentials = &secrets{set: test.set}
			got := preflight.New(test.options).Check(t.Context(), test.pod, nil)
			if summary(got[0].Verdict) != test.want {
				t.Errorf("got %q, want %q", summary(got[0].Verdict), test.want)
			}
		})
	}
}

// Rules keep the origin and the age of the verdict that they change.
func TestRulesKeepTheOrigin(t *testing.T) {
	t.Parallel()
	fromCache := func(v imagepull.Verdict) imagepull.Verdict {
		v.Origin, v.Age = imagepull.OriginCache, 3*time.Second
		return v
	}
	unreadable := []credentials.Problem{{Subject: "pull secret", Detail: "timed out"}}
	tests := map[string]struct {
		set       credentials.Set
		response  imagepull.Verdict
		unmounted bool
		want      imagepull.Reason
	}{
		"pullable":          {response: pullable, want: imagepull.ReasonPullable},
		"denied":            {response: private, want: imagepull.ReasonAccessDenied},
		"unreadable secret": {set: credentials.Set{Unreadable: unreadable}, response: private, want: imagepull.ReasonNodeCredentials},
		"unreadable secret, pullable": {
			set: credentials.Set{Unreadable: unreadable}, response: pullable, want: imagepull.ReasonNodeCredentials,
		},
		"missing secret": {
			set: credentials.Set{Missing: []string{"gone"}}, response: private, want: imagepull.ReasonPullSecretMissing,
		},
		"unmounted volume": {response: absent, unmounted: true, want: imagepull.ReasonNotChecked},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pod(image)
			p.Uses[0].Unmounted = tt.unmounted
			got := preflight.New(preflight.Options{
				Resolver:    &scriptedResolver{script: map[string]imagepull.Verdict{image: fromCache(tt.response)}},
				Credentials: &secrets{set: tt.set},
			}).Check(t.Context(), p, nil)
			if got[0].Reason != tt.want || got[0].Provenance() != "cache 3s" {
				t.Errorf("got %s from %s, want %s from cache 3s", got[0].Reason, got[0].Provenance(), tt.want)
			}
		})
	}
}
