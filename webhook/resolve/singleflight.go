package resolve

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/parallel"
)

// singleFlight runs one check at a time for each key. Concurrent callers of the same key share its verdict. A key is of one
// namespace, so that no caller waits for the turn of another namespace.
//
// A check is detached from the contexts of all its callers and has a timeout of its own. A caller that gives up therefore
// does not cancel it for the others, and its verdict is cached even if all callers have given up.
type singleFlight struct {
	group   singleflight.Group
	timeout time.Duration
	failed  *failedAttempts
}

// do returns the verdict of a check, worded for the credential. If the context ends first, it returns the verdict of the last failed
// attempt, or a timeout without one. It starts no check if the context has ended already.
//
// A panic in the check reaches every waiting caller as a [*parallel.PanicError]. singleflight would end the process instead.
func (s *singleFlight) do(
	ctx context.Context, k key, cred imagepull.Credential, check func(context.Context) imagepull.Verdict,
) imagepull.Verdict {
	if ctx.Err() != nil {
		return timeoutVerdict(cred)
	}
	result := s.start(ctx, k, check)
	select {
	case <-ctx.Done():
		if v, ok := s.failed.last(k); ok {
			return v.For(cred)
		}
		return timeoutVerdict(cred)
	case r := <-result:
		if r.Err != nil {
			panic(r.Err)
		}
		return r.Val.(imagepull.Verdict).For(cred)
	}
}

// start starts a check, unless one with the same key is under way. It returns the channel of the result.
func (s *singleFlight) start(ctx context.Context, k key, check func(context.Context) imagepull.Verdict) <-chan singleflight.Result {
	detached := context.WithoutCancel(ctx)
	return s.group.DoChan(k.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(detached, s.timeout)
		defer cancel()
		var v imagepull.Verdict
		if err := parallel.Recover(func() { v = check(ctx) }); err != nil {
			return nil, err
		}
		return v, nil
	})
}

// timeoutVerdict returns the verdict for a caller whose context has ended.
func timeoutVerdict(cred imagepull.Credential) imagepull.Verdict {
	return imagepull.Verdict{
		Reason:     imagepull.ReasonDeadlineExceeded,
		Detail:     "the registry did not respond in time",
		Credential: cred.Source,
	}
}

// failedAttempts holds the verdict of the last failed attempt of each check under way, so that a caller that gives up before the
// next attempt has ended learns the cause.
type failedAttempts struct{ verdicts sync.Map }

func (f *failedAttempts) put(k key, v imagepull.Verdict) {
	if v.Outcome() == imagepull.Indeterminate {
		f.verdicts.Store(k.String(), v)
	}
}

func (f *failedAttempts) delete(k key) { f.verdicts.Delete(k.String()) }

func (f *failedAttempts) last(k key) (imagepull.Verdict, bool) {
	v, ok := f.verdicts.Load(k.String())
	if !ok {
		return imagepull.Verdict{}, false
	}
	return v.(imagepull.Verdict), true
}
