package preflight_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/parallel"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// No request returns before all twenty have started.
func TestImagesAreLookedUpInParallel(t *testing.T) {
	t.Parallel()
	const count = 20
	var images []string
	for i := range count {
		images = append(images, fmt.Sprintf("registry.example/shop/web:%d", i))
	}
	synctest.Test(t, func(t *testing.T) {
		var barrier sync.WaitGroup
		barrier.Add(count)
		resolver := resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
			barrier.Done()
			barrier.Wait()
			return pullable
		})
		got := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}}).Check(t.Context(), pod(images...), nil)
		for _, f := range got {
			if f.Reason != imagepull.ReasonPullable {
				t.Errorf("%s: reason = %s, want Pullable", f.Image, f.Reason)
			}
		}
	})
}

// The other findings are not affected.
func TestHangingRegistryIsDeadlineExceeded(t *testing.T) {
	t.Parallel()
	const budget = 8 * time.Second
	synctest.Test(t, func(t *testing.T) {
		resolver := resolverFunc(func(ctx context.Context, ref imagepull.Reference, _ imagepull.Credential) imagepull.Verdict {
			if ref.Domain == "slow.example" {
				<-ctx.Done()
				return imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded}
			}
			return absent
		})
		ctx, cancel := context.WithTimeout(t.Context(), budget)
		defer cancel()
		start := time.Now()
		got := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}}).
			Check(ctx, pod("slow.example/a:1", image, "slow.example/b:1", "Foo"), nil)
		if took := time.Since(start); took != budget {
			t.Errorf("took %s, want %s", took, budget)
		}
		want := []imagepull.Reason{
			imagepull.ReasonDeadlineExceeded, imagepull.ReasonNotFound, imagepull.ReasonDeadlineExceeded, imagepull.ReasonInvalidImageName,
		}
		if diff := cmp.Diff(want, reasons(got)); diff != "" {
			t.Errorf("reasons (-want +got):\n%s", diff)
		}
	})
}

// A failure of the first credential is not certain if the deadline passes before the second is tried.
func TestDeadlineBetweenCredentialsIsDeadlineExceeded(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]imagepull.Verdict{"refused": refused, "absent": absent} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			script := &scriptedResolver{script: script(map[string]imagepull.Verdict{"file/a": first, "file/b": pullable})}
			resolver := resolverFunc(func(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
				defer cancel()
				return script.Resolve(ctx, ref, cred)
			})
			checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{set: keys(t, host, "a", "b")}})
			got := checker.Check(ctx, pod(image), nil)
			if got[0].Reason != imagepull.ReasonDeadlineExceeded {
				t.Errorf("reason = %s, want DeadlineExceeded", got[0].Reason)
			}
		})
	}
}

// The panic can be recovered by the caller. It names the place, and not the text of its value, which may be secret.
func TestPanicReachesTheCaller(t *testing.T) {
	t.Parallel()
	resolver := resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
		panic(errors.New("s3cr3t"))
	})
	checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}})
	defer func() {
		err, ok := recover().(*parallel.PanicError)
		if !ok {
			t.Fatal("Check() did not panic with a PanicError")
		}
		if got, want := err.Error(), "panic of *errors.errorString"; got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
		if !strings.Contains(err.Stack(), "TestPanicReachesTheCaller") || strings.Contains(err.Stack(), "s3cr3t") {
			t.Errorf("Stack() = %s, want the place and not the text of the panic", err.Stack())
		}
	}()
	checker.Check(t.Context(), pod(image, "registry.example/shop/web:2"), nil)
}

// The race detector checks this test.
func TestCheckerIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	checker := preflight.New(preflight.Options{
		Resolver:    &scriptedResolver{script: script(map[string]imagepull.Verdict{"file/a": pullable})},
		Credentials: &secrets{set: keys(t, host, "a")},
	})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := checker.Check(t.Context(), pod(image, image), nil); got[1].Reason != imagepull.ReasonPullable {
				t.Errorf("reason = %s, want Pullable", got[1].Reason)
			}
		})
	}
	all.Wait()
}
