package preflight_test

import (
	"context"
	"testing"

	"github.com/pullgate/pullgate/webhook/credentials"
	pullsecrets "github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// always are Credentials that never change.
type always credentials.Set

func (a always) Credentials(context.Context, imagepull.Pod) credentials.Set {
	return credentials.Set(a)
}

func (a always) FreshCredentials(context.Context, imagepull.Pod) credentials.Set {
	return credentials.Set(a)
}

// BenchmarkCheck is what a pod of three images costs beside the answers themselves.
func BenchmarkCheck(b *testing.B) {
	file, err := pullsecrets.ParseFile([]byte(`{"auths": {"registry.example": {"username": "alice", "password": "x"}}}`), "regcred")
	if err != nil {
		b.Fatal(err)
	}
	checker := preflight.New(preflight.Options{
		Credentials: always(pullsecrets.Files{file}.Credentials(b.Context(), imagepull.Pod{})),
		Resolver: resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
			return imagepull.Verdict{Reason: imagepull.ReasonPullable}
		}),
		MaxUses: 64,
	})
	subject := pod("registry.example/shop/a:1", "registry.example/shop/b:1", "registry.example/shop/c:1")
	b.ReportAllocs()
	for b.Loop() {
		if findings := checker.Check(b.Context(), subject, nil); findings[2].Reason != imagepull.ReasonPullable {
			b.Fatalf("got %s, want Pullable", findings[2].Reason)
		}
	}
}
