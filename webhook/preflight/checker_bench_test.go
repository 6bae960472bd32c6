package preflight_test

import (
	"context"
	"testing"

	"github.com/pullgate/pullgate/webhook/credentials"
	pullsecrets "github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// fixedCredentials are Credentials that never change.
type fixedCredentials credentials.Set

func (f fixedCredentials) Credentials(context.Context, imagepull.Pod) credentials.Set {
	return credentials.Set(f)
}

func (f fixedCredentials) FreshCredentials(context.Context, imagepull.Pod) credentials.Set {
	return credentials.Set(f)
}

// BenchmarkCheck measures a pod of three images without the time of the requests.
func BenchmarkCheck(b *testing.B) {
	file, err := pullsecrets.ParseFile([]byte(`{"auths": {"registry.example": {"username": "alice", "password": "x"}}}`), "regcred")
	if err != nil {
		b.Fatal(err)
	}
	checker := preflight.New(preflight.Options{
		Credentials: fixedCredentials(pullsecrets.Files{file}.Credentials(b.Context(), imagepull.Pod{})),
		Resolver: resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
			return imagepull.Verdict{Reason: imagepull.ReasonPullable}
		}),
		MaxImages: 64,
	})
	subject := pod("registry.example/shop/a:1", "registry.example/shop/b:1", "registry.example/shop/c:1")
	b.ReportAllocs()
	for b.Loop() {
		if findings := checker.Check(b.Context(), subject, nil); findings[2].Reason != imagepull.ReasonPullable {
			b.Fatalf("got %s, want Pullable", findings[2].Reason)
		}
	}
}

// BenchmarkCheckFromCache measures the same pod if all verdicts are cached, as on a warm server.
func BenchmarkCheckFromCache(b *testing.B) {
	cached := cachedVerdict{verdict: pullable}
	checker := preflight.New(preflight.Options{
		Credentials: fixedCredentials(credentials.Set{}),
		Cache:       cached,
		MaxImages:   64,
	})
	subject := pod("registry.example/shop/a:1", "registry.example/shop/b:1", "registry.example/shop/c:1")
	b.ReportAllocs()
	for b.Loop() {
		if findings := checker.Check(b.Context(), subject, nil); findings[2].Reason != imagepull.ReasonPullable {
			b.Fatalf("got %s, want Pullable", findings[2].Reason)
		}
	}
}
