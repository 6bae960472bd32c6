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

// TestImagesAreAskedAtTheSameTime: none of the twenty is answered before all are under way.
func TestImagesAreAskedAtTheSameTime(t *testing.T) {
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
			return works
		})
		got := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}}).Check(t.Context(), pod(images...), nil)
		for _, f := range got {
			if f.Reason != imagepull.ReasonPullable {
				t.Errorf("%s: reason = %s, want Pullable", f.Image, f.Reason)
			}
		}
	})
}

// TestDeadline: a registry that hangs costs no more than the budget, and hides no other finding.
func TestDeadline(t *testing.T) {
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

// TestDeadlineBetweenCandidates: a refusal of the first credential is no certainty while others were not tried.
func TestDeadlineBetweenCandidates(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]imagepull.Verdict{"refused": refused, "absent": absent} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			script := &registry{script: answers(map[string]imagepull.Verdict{"file/a": first, "file/b": works})}
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

// TestPanicReachesTheCaller, where it can be recovered, and tells where it was but not what it said.
func TestPanicReachesTheCaller(t *testing.T) {
	t.Parallel()
	resolver := resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
		panic(errors.New("s3cr3t"))
	})
	checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}})
	defer func() {
		fault, ok := recover().(*parallel.PanicError)
		if !ok {
			t.Fatal("Check() did not panic with a PanicError")
		}
		if got, want := fault.Error(), "panic of *errors.errorString"; got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
		if !strings.Contains(fault.Stack(), "TestPanicReachesTheCaller") || strings.Contains(fault.Stack(), "s3cr3t") {
			t.Errorf("Stack() = %s, want the place and not the text of the panic", fault.Stack())
		}
	}()
	checker.Check(t.Context(), pod(image, "registry.example/shop/web:2"), nil)
}

// TestCheckerIsSafeForConcurrentUse is for the race detector.
func TestCheckerIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	checker := preflight.New(preflight.Options{
		Resolver:    &registry{script: answers(map[string]imagepull.Verdict{"file/a": works})},
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
