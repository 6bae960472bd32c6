package resolve_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/resolve"
)

const questionTimeout = 10 * time.Second

// slow answers after some time, unless its context ends before.
type slow struct {
	site
	takes time.Duration
}

func (s *slow) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	v := s.site.Resolve(ctx, ref, cred)
	select {
	case <-time.After(s.takes):
		return v
	case <-ctx.Done():
		return imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded, Credential: cred.Source, Origin: imagepull.OriginRegistry}
	}
}

func TestCoalescedAsksOnceForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{site: site{says: denied}, takes: time.Second}
		c := resolve.NewCoalesced(s, questionTimeout)
		var all sync.WaitGroup
		for i := range 1000 {
			cred := alice
			if i%2 == 1 {
				cred = aliceAgain
			}
			all.Go(func() {
				v := c.Resolve(t.Context(), tag("1"), cred)
				if want := "the credential from " + cred.Source + " is refused"; v.Detail != want || v.Credential != cred.Source {
					t.Errorf("got %q for %s, want %q for %s", v.Detail, v.Credential, want, cred.Source)
				}
			})
		}
		all.Wait()
		if s.asked != 1 {
			t.Errorf("asked %d times, want once", s.asked)
		}
		c.Resolve(t.Context(), tag("1"), alice)
		if s.asked != 2 {
			t.Errorf("asked %d times after the answer, want twice", s.asked)
		}
	})
}

func TestCoalescedKeepsQuestionsApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{site: site{says: pullable}, takes: time.Second}
		c := resolve.NewCoalesced(s, questionTimeout)
		var all sync.WaitGroup
		for _, ref := range []imagepull.Reference{tag("1"), tag("2"), digested("1")} {
			for _, cred := range []imagepull.Credential{alice, bob, nobody} {
				all.Go(func() { c.Resolve(t.Context(), ref, cred) })
			}
		}
		all.Wait()
		if s.asked != 9 {
			t.Errorf("asked %d times, want 9", s.asked)
		}
	})
}

// TestCoalescedLeaderGivesUp: neither is the question cancelled, nor do the others hear of it.
func TestCoalescedLeaderGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{site: site{says: pullable}, takes: 5 * time.Second}
		c := resolve.NewCoalesced(s, questionTimeout)
		var all sync.WaitGroup
		ask := func(patience time.Duration, want imagepull.Reason, wantWait time.Duration) {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				start := time.Now()
				v := c.Resolve(ctx, tag("1"), alice)
				if took := time.Since(start); v.Reason != want || took != wantWait || v.Credential != alice.Source {
					t.Errorf("got %s for %q after %v, want %s after %v", v.Reason, v.Credential, took, want, wantWait)
				}
			})
		}
		ask(time.Second, imagepull.ReasonDeadlineExceeded, time.Second)
		synctest.Wait()
		ask(8*time.Second, imagepull.ReasonPullable, 5*time.Second)
		all.Wait()
		if s.asked != 1 {
			t.Errorf("asked %d times, want once", s.asked)
		}
	})
}

// TestCoalescedAnswerAfterAllHaveGone is remembered by what is behind.
func TestCoalescedAnswerAfterAllHaveGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		came := make(chan imagepull.Reason, 1)
		s := &slow{site: site{says: pullable}, takes: 5 * time.Second}
		asked := func(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
			v := s.Resolve(ctx, ref, cred)
			came <- v.Reason
			return v
		}
		c := resolve.NewCoalesced(resolverFunc(asked), questionTimeout)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c.Resolve(ctx, tag("1"), nobody)
		if got := <-came; got != imagepull.ReasonPullable || s.asked != 1 {
			t.Errorf("got %s after %d questions, want Pullable after one", got, s.asked)
		}
	})
}

func TestCoalescedHasADeadlineOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := resolve.NewCoalesced(&slow{takes: time.Hour}, questionTimeout)
		start := time.Now()
		v := c.Resolve(t.Context(), tag("1"), nobody)
		if took := time.Since(start); v.Reason != imagepull.ReasonDeadlineExceeded || took != questionTimeout {
			t.Errorf("got %s after %v, want DeadlineExceeded after %v", v.Reason, took, questionTimeout)
		}
	})
}

func TestCoalescedAsksNothingTooLate(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &site{says: pullable}
	v := resolve.NewCoalesced(s, questionTimeout).Resolve(ctx, tag("1"), alice)
	if v.Reason != imagepull.ReasonDeadlineExceeded || v.Credential != alice.Source || s.asked != 0 {
		t.Errorf("got %s for %q and asked %d times, want DeadlineExceeded and nothing asked", v.Reason, v.Credential, s.asked)
	}
}

// TestCoalescedPanic reaches everyone who waits, as from their own goroutine, and nobody who comes after.
func TestCoalescedPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken, release := true, make(chan struct{})
		c := resolve.NewCoalesced(resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
			<-release
			if broken {
				panic(errors.New("s3cr3t"))
			}
			return pullable
		}), questionTimeout)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				defer func() {
					fault, ok := recover().(*resolve.Fault)
					if !ok || fault.String() != "panic of *errors.errorString in a check" {
						t.Errorf("recovered %v, want a Fault", fault)
					}
					if ok && (!strings.Contains(fault.Stack(), "TestCoalescedPanic") || strings.Contains(fault.Stack(), "s3cr3t")) {
						t.Errorf("Stack() = %s, want the place and not the text of the panic", fault.Stack())
					}
				}()
				c.Resolve(t.Context(), tag("1"), nobody)
			})
		}
		synctest.Wait()
		close(release)
		all.Wait()
		broken = false
		if v := c.Resolve(t.Context(), tag("1"), nobody); v.Reason != imagepull.ReasonPullable {
			t.Errorf("reason = %s after the panic, want Pullable", v.Reason)
		}
	})
}

// TestCoalescedPanicOfAnAbandonedQuestion ends nothing.
func TestCoalescedPanicOfAnAbandonedQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := resolve.NewCoalesced(resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
			<-release
			panic("nobody is there")
		}), questionTimeout)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c.Resolve(ctx, tag("1"), nobody)
		close(release)
		synctest.Wait()
	})
}
