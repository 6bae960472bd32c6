package auth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

const (
	// maxAttempts is containerd's bound of the requests for one object (core/remotes/docker/resolver.go, maxAttempts).
	maxAttempts = 5
	// maxSends bounds how often a session sends a password that the registry refuses. A node sends it as often within maxAttempts:
	// the first attempt carries no password.
	maxSends = maxAttempts - 1
	// challengeLifetime bounds how long a repository's challenge to a credential is answered before the repository sends it.
	challengeLifetime = 5 * time.Minute
	// maxErrorBytes bounds how much of a refusal is read, so that its connection can be used again.
	// Real refusals have less than a KiB.
	maxErrorBytes = 16 << 10
)

// Session sends requests for one repository of one endpoint with one credential. It is not safe for concurrent use (see Clone).
type Session struct {
	client     *Client
	endpoint   *Endpoint
	credential imagepull.Credential
	// credentialKey separates the credentials in the caches.
	credentialKey imagepull.CredentialKey
	repository    string

	// started is true after the first request.
	started bool
	// handler authorizes the requests. failed is a preemptive handler without an authorization.
	handler, failed handler
	// sentPassword is true if the last request carried the credential itself.
	sentPassword bool
	// refusals counts the requests with the password since the last one that the registry did not refuse. Clones share it.
	refusals *atomic.Int32
	// turn is the right to send the password to the registry, during one RoundTrip; nil if the session has none.
	turn *turn
}

// handler is the answer to a challenge. A session keeps it for all its requests, as a node does (containerd:
// core/remotes/docker/authorizer.go, authHandler). The zero value answers nothing.
type handler struct {
	challenge challenge
	// authorization is the header that is sent, unless err is set.
	authorization string
	err           error
	// withheld is true if the token service did not receive all that a node sends. Its token may grant less.
	withheld bool
	// preemptive marks the answer to a cached challenge. The registry may have revoked its token.
	preemptive bool
}

// Clone returns a Session for another goroutine, with the same state.
func (s *Session) Clone() *Session {
	clone := *s
	return &clone
}

// SentPassword reports whether the request for the last response carried the credential itself, and not a token.
func (s *Session) SentPassword() bool { return s.sentPassword }

// Withheld reports whether the last request carried a token of a service that did not receive all that a node sends. A refusal
// of that token proves nothing.
func (s *Session) Withheld() bool { return s.handler.withheld }

// RoundTrip sends a request until the registry accepts the authorization, or refuses it for good. It implements
// http.RoundTripper.
//
// It follows containerd (core/remotes/docker/resolver.go, retryRequest). The first request carries no authorization. After a 401
// whose challenge can be answered, the request is sent again, up to five times. If the repository's challenge to this credential is
// cached, the first request answers it. Only a success counts then: after a refusal the request is sent again from the start.
func (s *Session) RoundTrip(req *http.Request) (*http.Response, error) {
	if !s.started {
		s.started = true
		s.preempt(req.Context())
	}
	defer s.endTurn()
	var previous *http.Request
	for attempt := 1; ; attempt++ {
		resp, err := s.send(req)
		switch {
		case err != nil:
			return nil, err
		case s.handler.preemptive && mayBeUnauthorized(resp.StatusCode):
			s.handler, attempt = handler{}, 0
		case resp.StatusCode != http.StatusUnauthorized, resp.Request.URL.Host != req.URL.Host, attempt == maxAttempts:
			s.cacheChallenge(resp)
			return resp, nil
		default:
			again, err := s.answer(req.Context(), resp, previous)
			if err != nil {
				discard(resp)
				return nil, err
			}
			if !again {
				return resp, nil
			}
			previous = resp.Request
		}
		discard(resp)
	}
}

// preempt answers the cached challenge of the repository to this credential.
func (s *Session) preempt(ctx context.Context) {
	c, ok := s.client.challenges.Get(s.challengeKey())
	if !ok {
		return
	}
	h, err := s.newHandler(ctx, c, true)
	if err != nil || h.err != nil {
		s.failed = h
		return
	}
	s.handler = h
}

// answer prepares the answer to a 401, and reports whether there is one (containerd: core/remotes/docker/authorizer.go,
// AddResponses). The previous request is the one before the response's, if that was refused as well.
func (s *Session) answer(ctx context.Context, resp *http.Response, previous *http.Request) (again bool, err error) {
	c := parseChallenge(resp.Header)
	c.overHTTP = resp.Request.URL.Scheme == "http"
	switch {
	case c.scheme == "":
		return false, nil
	case c.scheme == schemeBearer && c.hasError && previous != nil && isSameRequest(previous, resp.Request):
		return false, nil // the registry refuses the token for good
	case c.scheme == schemeBearer && !c.hasError && s.handler.challenge.scheme != "":
		return true, nil // with the same token
	case s.hasFailed(c):
		s.handler = s.failed
		return true, nil
	}
	s.handler, err = s.newHandler(ctx, c, false)
	return err == nil, err
}

// isSameRequest reports whether two requests are for the same object, also behind redirects (containerd:
// core/remotes/docker/authorizer.go, sameRequest).
func isSameRequest(a, b *http.Request) bool { return a.Method == b.Method && *a.URL == *b.URL }

// hasFailed reports whether the answer to this challenge failed a moment ago. That holds for a challenge with the same
// scopes, and for any scopes if the token service rejected the credential itself. Sending it again could lock the account.
func (s *Session) hasFailed(c challenge) bool {
	before := s.failed.challenge
	if s.failed.err == nil || before.scheme != c.scheme || before.realm != c.realm || before.service != c.service {
		return false
	}
	e, ok := errors.AsType[*TokenError](s.failed.err)
	return ok && e.StatusCode == http.StatusUnauthorized || s.scopes(before) == s.scopes(c)
}

// newHandler returns the handler for a challenge, or an error if the challenge cannot be answered. A handler whose token cannot
// be fetched keeps that error for all further requests, as on a node. A preemptive handler may use a cached token.
func (s *Session) newHandler(ctx context.Context, c challenge, preemptive bool) (handler, error) {
	h := handler{challenge: c, preemptive: preemptive}
	if c.scheme == schemeBearer {
		realm, err := s.checkRealm(c)
		if err != nil {
			return h, err
		}
		s.endTurn() // the token service may be the same server
		var token string
		token, h.err = s.token(ctx, realm, c, preemptive)
		h.authorization, h.withheld = "Bearer "+token, s.endpoint.Withholds(realm.Host)
		return h, nil
	}
	if s.credential.Username == "" || s.credential.Password == "" {
		return h, ErrNoBasicCredential
	}
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(s.credential.Username, s.credential.Password)
	h.authorization = req.Header.Get("Authorization")
	return h, nil
}

func (s *Session) send(req *http.Request) (*http.Response, error) {
	if s.handler.err != nil {
		return nil, s.handler.err
	}
	s.sentPassword = s.handler.challenge.scheme == schemeBasic
	if s.sentPassword {
		if err := s.takeTurn(req); err != nil {
			return nil, err
		}
	}
	if s.handler.authorization != "" {
		req = req.WithContext(req.Context()) // a copy: a RoundTripper must not change the request
		req.Header = req.Header.Clone()
		req.Header.Set("Authorization", s.handler.authorization)
	}
	resp, err := s.endpoint.Transports.Content.RoundTrip(req)
	if err == nil && s.sentPassword {
		s.recordPassword(resp.StatusCode)
	}
	return resp, err
}

// takeTurn waits until the session may send its password to the registry. The turn lasts for as many requests as a node sends.
func (s *Session) takeTurn(req *http.Request) error {
	if s.turn != nil && s.turn.left > 0 {
		return nil
	}
	s.endTurn()
	var err error
	s.turn, err = s.client.logins.begin(req.Context(), s.loginKey(req.URL), sends{
		refused: int(s.refusals.Load()), full: maxSends, first: 1,
	})
	return err
}

func (s *Session) endTurn() {
	if s.turn != nil {
		s.turn.end()
		s.turn = nil
	}
}

// recordPassword records the registry's response to the password. Only a success shows that it accepts the password.
func (s *Session) recordPassword(status int) {
	if status == http.StatusUnauthorized {
		s.turn.refuse(1, s.refusals.Add(1) >= maxSends)
		return
	}
	s.refusals.Store(0)
	if status < http.StatusBadRequest {
		s.turn.accept()
	}
}

// challengeKey identifies a repository of one endpoint, and the credential that it challenged. A challenge leads no other
// credential to the token service that it names, and a repository that sends none receives no answer to another one's.
type challengeKey struct {
	endpoint, repository string
	credential           imagepull.CredentialKey
}

func (s *Session) challengeKey() challengeKey {
	return challengeKey{s.endpoint.ID, s.repository, s.credentialKey}
}

// cacheChallenge caches the challenge whose answer the registry has accepted.
func (s *Session) cacheChallenge(resp *http.Response) {
	c := s.handler.challenge
	if c.scheme == "" || s.handler.preemptive || resp.StatusCode >= http.StatusMultipleChoices {
		return
	}
	s.client.challenges.Put(s.challengeKey(), c, s.client.options.Clock.Now().Add(challengeLifetime))
}

// mayBeUnauthorized reports whether a status may be due to a preemptive authorization. ECR Public responds with 400 to an
// expired token. Artifactory can respond with 404 to an account without permission, even if anonymous access is allowed.
func mayBeUnauthorized(status int) bool {
	switch status {
	case http.StatusMethodNotAllowed, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return status >= http.StatusBadRequest && status < http.StatusInternalServerError
}

// discard reads a short body to its end, so that the connection can be used again.
func discard(resp *http.Response) {
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBytes)
}
