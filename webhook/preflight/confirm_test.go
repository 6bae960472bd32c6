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
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// secondResponses is a Resolver with verdicts for Resolve, and others for Confirm. It is safe for concurrent use.
type secondResponses struct {
	first, second scriptedResolver
}

// newSecondResponses returns a Resolver whose verdicts come from a registry.
func newSecondResponses(first, second map[string]imagepull.Verdict) *secondResponses {
	for _, script := range []map[string]imagepull.Verdict{first, second} {
		for request, v := range script {
			v.Origin = imagepull.OriginRegistry
			script[request] = v
		}
	}
	return &secondResponses{first: scriptedResolver{script: first}, second: scriptedResolver{script: second}}
}

func (r *secondResponses) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	return r.first.Resolve(ctx, ref, cred)
}

func (r *secondResponses) Confirm(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	return r.second.Resolve(ctx, ref, cred)
}

// A registry that does not respond must not prevent the denial of another image. The denial may come before the time for the
// confirmation begins, or after that.
func TestHangingRegistryLeavesTimeForAConfirmation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		delay time.Duration
		want  []imagepull.Reason
	}{
		"an early denial":          {0, []imagepull.Reason{imagepull.ReasonNotFound, imagepull.ReasonDeadlineExceeded}},
		"a late denial":            {3500 * time.Millisecond, []imagepull.Reason{imagepull.ReasonNotFound, imagepull.ReasonDeadlineExceeded}},
		"a denial that comes last": {3900 * time.Millisecond, []imagepull.Reason{imagepull.ReasonDeadlineExceeded, imagepull.ReasonDeadlineExceeded}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
				defer cancel()
				resolver := slowResolver{hanging: "slow.example", delay: test.delay}
				got := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}}).Check(ctx, pod(image, "slow.example/web:1"), nil)
				if diff := cmp.Diff(test.want, reasons(got)); diff != "" {
					t.Errorf("reasons (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// slowResolver is a Resolver to which all images are absent after a delay. A confirmation takes 300 ms. The hanging host gives no
// response.
type slowResolver struct {
	hanging string
	delay   time.Duration
}

func (r slowResolver) Resolve(ctx context.Context, ref imagepull.Reference, _ imagepull.Credential) imagepull.Verdict {
	delay := r.delay
	if ref.Domain == r.hanging {
		delay = time.Hour
	}
	return absentAfter(ctx, delay)
}

func (slowResolver) Confirm(ctx context.Context, _ imagepull.Reference, _ imagepull.Credential) imagepull.Verdict {
	return confirmed(absentAfter(ctx, 300*time.Millisecond))
}

func absentAfter(ctx context.Context, delay time.Duration) imagepull.Verdict {
	select {
	case <-ctx.Done():
		return imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded}
	case <-time.After(delay):
		v := absent
		v.Origin = imagepull.OriginRegistry
		return v
	}
}

func confirmed(v imagepull.Verdict) imagepull.Verdict {
	v.Confirmed = true
	return v
}

func TestDenialNeedsASecondResponse(t *testing.T) {
	t.Parallel()
	foreign := index(platform("linux", "s390x", ""))
	moved := foreign
	moved.Digest = manifestDigest(9)
	served := index(platform("linux", "amd64", ""))
	contradiction := imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: "contradiction"}
	type verdicts = map[string]imagepull.Verdict
	tests := map[string]struct {
		names         []string // of the pull secrets
		first, second verdicts
		credentialed  bool
		want          string
		confirmations []string
	}{
		"pullable":      {first: verdicts{"": pullable}, want: "Pullable"},
		"indeterminate": {first: verdicts{"": rateLimited}, want: "RateLimited: busy"},
		"the same response": {
			first: verdicts{"": absent}, second: verdicts{"": confirmed(absent)},
			want: "NotFound: tag not found", confirmations: []string{image},
		},
		"another response": {
			first: verdicts{"": absent}, second: verdicts{"": contradiction},
			want: "RegistryUnavailable: contradiction", confirmations: []string{image},
		},
		"confirmed before": {first: verdicts{"": confirmed(absent)}, want: "NotFound: tag not found"},
		"the second credential works": {
			names: []string{"a", "b"}, first: verdicts{"file/a": refused, "file/b": pullable}, want: "Pullable",
		},
		"all credentials are refused": {
			names: []string{"a", "b"}, first: verdicts{"file/a": refused, "file/b": absent},
			second: verdicts{"file/a": confirmed(refused), "file/b": confirmed(absent)},
			want:   "NotFound: tag not found", confirmations: []string{image + " file/a", image + " file/b"},
		},
		"one of them was confirmed before": {
			names: []string{"a", "b"}, first: verdicts{"file/a": refused, "file/b": confirmed(absent)},
			second: verdicts{"file/a": confirmed(refused), "file/b": confirmed(absent)},
			want:   "NotFound: tag not found", confirmations: []string{image + " file/a", image + " file/b"},
		},
		"one of them is not refused again": {
			names: []string{"a", "b"}, first: verdicts{"file/a": refused, "file/b": absent},
			second: verdicts{"file/a": contradiction, "file/b": confirmed(absent)},
			want:   "RegistryUnavailable: contradiction", confirmations: []string{image + " file/a", image + " file/b"},
		},
		"nodes may have another credential": {
			first: verdicts{"": private}, credentialed: true,
			want: "NodeCredentials: access is denied with the credentials that Pullgate can see, but the nodes may have an identity of their own",
		},
		"another platform": {
			first: verdicts{"": foreign}, second: verdicts{"": confirmed(foreign)},
			want: "PlatformMismatch: the image index offers linux/s390x, the nodes are linux/amd64", confirmations: []string{image},
		},
		"another platform for the second credential": {
			names: []string{"a", "b"}, first: verdicts{"file/a": refused, "file/b": foreign},
			second: verdicts{"file/a": confirmed(refused), "file/b": confirmed(foreign)},
			want:   "PlatformMismatch: the image index offers linux/s390x, the nodes are linux/amd64", confirmations: []string{image + " file/a", image + " file/b"},
		},
		"another platform for the second credential, and the first is not refused again": {
			names: []string{"a", "b"}, first: verdicts{"file/a": refused, "file/b": foreign},
			second: verdicts{"file/a": contradiction, "file/b": confirmed(foreign)},
			want:   "RegistryUnavailable: contradiction", confirmations: []string{image + " file/a", image + " file/b"},
		},
		"another platform for the second credential, and the first gets no response": {
			names: []string{"a", "b"}, first: verdicts{"file/a": rateLimited, "file/b": foreign}, want: "RateLimited: busy",
		},
		"the third credential gets the platform": {
			names: []string{"a", "b", "c"}, first: verdicts{"file/a": rateLimited, "file/b": foreign, "file/c": served}, want: "Pullable",
		},
		"another platform, and the tag was moved": {
			first: verdicts{"": foreign}, second: verdicts{"": served}, want: "Pullable", confirmations: []string{image},
		},
		"another platform twice, and the tag was moved": {
			first: verdicts{"": foreign}, second: verdicts{"": moved}, confirmations: []string{image},
			want: "RegistryUnavailable: the registry's responses contradict each other: the tag has two digests",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver := newSecondResponses(script(test.first), script(test.second))
			o := preflight.Options{
				Resolver: resolver, Credentials: &secrets{set: keys(t, host, test.names...)},
				Nodes: nodes.Declared{platform("linux", "amd64", "")},
			}
			if test.credentialed {
				o.CredentialedRegistries = hosts(t, host)
			}
			if got := summary(check(t, o, image)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if diff := cmp.Diff(test.confirmations, resolver.second.requests()); diff != "" {
				t.Errorf("confirmations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEachImageIsConfirmedOnce(t *testing.T) {
	t.Parallel()
	const other = "registry.example/shop/db:1"
	resolver := newSecondResponses(
		map[string]imagepull.Verdict{image: absent, other: pullable}, map[string]imagepull.Verdict{image: confirmed(absent)})
	o := preflight.Options{Resolver: resolver, Credentials: &secrets{}}
	findings := preflight.New(o).Check(t.Context(), pod(image, other, image), nil)
	want := []imagepull.Reason{imagepull.ReasonNotFound, imagepull.ReasonPullable, imagepull.ReasonNotFound}
	if diff := cmp.Diff(want, reasons(findings)); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{image}, resolver.second.requests()); diff != "" {
		t.Errorf("confirmations (-want +got):\n%s", diff)
	}
}

func TestFailureThatNodesExcuseIsNotConfirmed(t *testing.T) {
	t.Parallel()
	for presence, cluster := range clusters(t) {
		resolver := newSecondResponses(map[string]imagepull.Verdict{image: absent}, map[string]imagepull.Verdict{image: confirmed(absent)})
		o := preflight.Options{Resolver: resolver, Credentials: &secrets{}, Nodes: cluster}
		v := preflight.New(o).Check(t.Context(), withPolicy(imagepull.PullIfNotPresent), nil)[0].Verdict
		if denied, sent := v.Outcome() == imagepull.Unpullable, len(resolver.second.requests()) > 0; denied != sent {
			t.Errorf("%s: %s, confirmation: %t", presence, v.Reason, sent)
		}
	}
}

func TestDenialIsConfirmedWithTheCorrectedSecret(t *testing.T) {
	t.Parallel()
	old := keys(t, host, "old")
	old.FromCache = true
	resolver := newSecondResponses(
		script(map[string]imagepull.Verdict{"file/old": refused, "file/new": absent}),
		script(map[string]imagepull.Verdict{"file/new": confirmed(absent)}))
	v := check(t, preflight.Options{Resolver: resolver, Credentials: &secrets{set: old, fresh: keys(t, host, "new")}}, image)
	if v.Reason != imagepull.ReasonNotFound {
		t.Errorf("reason = %s: %s, want NotFound", v.Reason, v.Detail)
	}
	if diff := cmp.Diff([]string{image + " file/new"}, resolver.second.requests()); diff != "" {
		t.Errorf("confirmations (-want +got):\n%s", diff)
	}
}

// The tag and the manifest are confirmed: a replica may have an old index, whose manifests are deleted.
func TestDeepDenialNeedsASecondResponse(t *testing.T) {
	t.Parallel()
	image1 := repository + ":1"
	two := index(platform("linux", "amd64", ""), platform("linux", "arm64", ""))
	invalid := two
	invalid.Manifests = []imagepull.Descriptor{{Defect: "an invalid digest"}, {Defect: "an invalid digest"}}
	child := func(i int) string { return repository + "@" + manifestDigest(i) }
	lost := imagepull.Verdict{Reason: imagepull.ReasonBlobMissing, Detail: "lost"}
	contradiction := imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: "contradiction"}
	type verdicts = map[string]imagepull.Verdict
	tests := map[string]struct {
		tag                        imagepull.Verdict
		secondTag                  imagepull.Verdict
		contents, secondOfContents verdicts
		want                       imagepull.Reason
		confirmations              []string
	}{
		"all are there": {
			tag: two, contents: verdicts{child(1): pullable, child(2): pullable}, want: imagepull.ReasonPullable,
		},
		"one is lost": { // its node waits for a push
			tag: two, contents: verdicts{child(1): lost, child(2): pullable}, want: imagepull.ReasonSomePlatforms,
		},
		"both are lost": {
			tag: two, secondTag: confirmed(two), contents: verdicts{child(1): lost, child(2): lost},
			secondOfContents: verdicts{child(1): confirmed(lost), child(2): confirmed(lost)},
			want:             imagepull.ReasonBlobMissing, confirmations: []string{child(1), child(2)},
		},
		"both are lost, and one is found": {
			tag: two, secondTag: confirmed(two), contents: verdicts{child(1): lost, child(2): lost},
			secondOfContents: verdicts{child(1): contradiction, child(2): confirmed(lost)},
			want:             imagepull.ReasonRegistryUnavailable, confirmations: []string{child(1), child(2)},
		},
		"both are lost, and the tag is another index": {
			tag: two, secondTag: two, contents: verdicts{child(1): lost, child(2): lost},
			secondOfContents: verdicts{child(1): confirmed(lost), child(2): confirmed(lost)},
			want:             imagepull.ReasonRegistryUnavailable, confirmations: []string{child(1), child(2)},
		},
		"the index has no valid digests": {
			tag: invalid, secondTag: confirmed(invalid), want: imagepull.ReasonUnsupportedImage,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contents := newSecondResponses(test.contents, test.secondOfContents)
			v := check(t, preflight.Options{
				Resolver:    newSecondResponses(verdicts{image1: test.tag}, verdicts{image1: test.secondTag}),
				Contents:    contents,
				Deep:        true,
				Credentials: &secrets{set: credentials.Set{}},
				Nodes:       nodes.Declared{platform("linux", "amd64", ""), platform("linux", "arm64", "")},
			}, image1)
			if v.Reason != test.want {
				t.Errorf("reason = %s: %s, want %s", v.Reason, v.Detail, test.want)
			}
			if diff := cmp.Diff(test.confirmations, slices.Compact(contents.second.requests())); diff != "" {
				t.Errorf("confirmations (-want +got):\n%s", diff)
			}
		})
	}
}
