package auth

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/egress"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

const (
	// maxRefusals bounds how often one server refuses one password within LockoutPeriod. The kubelet of a single pod sends a
	// password to a registry up to twelve times in that period: in three pulls, four times in each.
	maxRefusals = 10
	// LockoutPeriod is the period of the bound.
	LockoutPeriod = 30 * time.Second
	// maxLogins bounds the servers and credentials that are known. An evicted entry loses its count.
	maxLogins = 4096
)

// The errors of a login. ErrNoBasicCredential is the error of a node (containerd: core/remotes/docker/authorizer.go, AddResponses).
var (
	ErrNoBasicCredential = errors.New("no user and password for basic authentication")
	// ErrPasswordRefused is the error after a server has refused the password as often as a lookup may send it.
	ErrPasswordRefused = errors.New("the registry refuses the password")
)

// LockoutError is the error for a password that is not sent, because the server refused it too often.
type LockoutError struct {
	// Age is the time since the last refusal.
	Age time.Duration
}

func (*LockoutError) Error() string {
	return "the password was refused several times, and is not sent again yet"
}

type confirmationKey struct{}

// WithConfirmation returns a context for a lookup that confirms an earlier one. Only such a lookup gets the last send of the
// bound, so that a denial can be confirmed.
func WithConfirmation(ctx context.Context) context.Context {
	return context.WithValue(ctx, confirmationKey{}, true)
}

// logins bounds how often a server receives a password that it refuses. Registries, and the directories behind them, lock an
// account after a few failed logins.
//
// Each send belongs to a turn, which reserves the sends that may be refused. Refusals and reservations together stay within
// maxRefusals, so that no interleaving of sessions exceeds the bound. Many sessions send a password at the same time if the server
// accepted it last. Any other password is sent by one session at a time. Otherwise the sessions of a pod with many images would use
// up all sends, and none of them could repeat its request as a node does.
//
// After the server has refused a password as often as a node sends it in a pull, every further lookup sends it once.
type logins struct {
	clock clock.PassiveClock

	mu      sync.Mutex
	entries *ttlcache.Cache[loginKey, *login]
}

// loginKey identifies a password at a server: a registry or a token service.
type loginKey struct {
	server     string
	credential imagepull.CredentialKey
}

// loginKey returns the key of the session's password at the server of a URL.
func (s *Session) loginKey(u *url.URL) loginKey {
	return loginKey{egress.OriginOf(u.Scheme, u.Host), s.credentialKey}
}

// login holds the last responses of a server to a password.
type login struct {
	// refusals are the times of the refused sends within LockoutPeriod.
	refusals []time.Time
	// reserved is the number of further sends that the turns under way may make.
	turns, reserved int
	// accepted reports that the server did not refuse the password since it accepted it.
	accepted bool
	// rejected is when the server last refused the password as often as a node sends it; zero after a success.
	rejected time.Time
	// changed is closed when a turn ends.
	changed chan struct{}
}

func newLogins(c clock.PassiveClock) (*logins, error) {
	entries, err := ttlcache.New(ttlcache.Options[loginKey, *login]{MaxEntries: maxLogins, Clock: c})
	return &logins{clock: c, entries: entries}, err
}

// sends describes how often a session sends a password.
type sends struct {
	// refused is the number of sends of this lookup that were refused.
	refused int
	// full is the number of refused sends after which a node gives up.
	full int
	// first is the number of sends that the session needs if the server accepts the password.
	first int
}

// turn is the right of a session to send a password. The caller must call end.
type turn struct {
	logins *logins
	login  *login
	// left is the number of sends that the server may still refuse.
	left int
}

// begin waits for a turn. It returns ErrPasswordRefused if the lookup has sent the password as often as it may, and a LockoutError if
// the server has refused it too often.
func (l *logins) begin(ctx context.Context, k loginKey, s sends) (*turn, error) {
	for {
		t, changed, err := l.try(ctx, k, s)
		if changed == nil {
			return t, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}

// try returns a turn or an error, or a channel that is closed when it should be called again.
func (l *logins) try(ctx context.Context, k loginKey, s sends) (t *turn, changed <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	e, ok := l.entries.Get(k)
	if !ok {
		e = &login{changed: make(chan struct{})}
		l.entries.Put(k, e, ttlcache.Never())
	}
	e.refusals = slices.DeleteFunc(e.refusals, func(at time.Time) bool { return now.Sub(at) >= LockoutPeriod })
	need := s.full - s.refused
	if !e.rejected.IsZero() && now.Sub(e.rejected) < LockoutPeriod {
		need = 1 - s.refused
	}
	if need <= 0 {
		return nil, nil, ErrPasswordRefused
	}
	if e.accepted {
		need = min(need, s.first)
	}
	most := maxRefusals
	if ctx.Value(confirmationKey{}) == nil {
		most--
	}
	switch isFull := len(e.refusals)+e.reserved+need > most; {
	case e.turns > 0 && (isFull || !e.accepted):
		return nil, e.changed, nil
	case isFull:
		return nil, nil, &LockoutError{Age: max(now.Sub(e.refusals[len(e.refusals)-1]), 0)}
	}
	e.turns, e.reserved = e.turns+1, e.reserved+need
	return &turn{l, e, need}, nil, nil
}

// refuse records refused sends. Final means that a node would not send the password again.
func (t *turn) refuse(n int, final bool) {
	t.logins.mu.Lock()
	defer t.logins.mu.Unlock()
	now := t.logins.clock.Now()
	t.login.refusals = append(t.login.refusals, slices.Repeat([]time.Time{now}, n)...)
	t.login.reserved, t.left, t.login.accepted = t.login.reserved-n, t.left-n, false
	if final {
		t.login.rejected = now
	}
}

// accept records that the server has accepted the password. It does not delete refusals, because a server may refuse the same
// password for another repository.
func (t *turn) accept() {
	t.logins.mu.Lock()
	defer t.logins.mu.Unlock()
	t.login.accepted, t.login.rejected = true, time.Time{}
}

// pardon lets the next turn send the password as often as a node does.
func (t *turn) pardon() {
	t.logins.mu.Lock()
	defer t.logins.mu.Unlock()
	t.login.rejected = time.Time{}
}

// end returns the sends that are left.
func (t *turn) end() {
	t.logins.mu.Lock()
	defer t.logins.mu.Unlock()
	t.login.turns, t.login.reserved = t.login.turns-1, t.login.reserved-t.left
	close(t.login.changed)
	t.login.changed = make(chan struct{})
}
