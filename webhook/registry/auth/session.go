package auth

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

// maxErrorBytes bounds the body of a refusal. One byte more than go-containerregistry accepts, so that it still rejects a body
// that is too long.
const maxErrorBytes = 64<<10 + 1

// Session sends requests for one repository of one endpoint with one credential. It is not safe for concurrent use (see Clone).
type Session struct {
	client     *Client
	endpoint   *Endpoint
	credential imagepull.Credential
	scope      string

	// responded is true after the first response. authorization is the header that was sent for the last one.
	responded     bool
	authorization string
	refusal       refusal
}

// Clone returns a Session for another goroutine, with the same state.
func (s *Session) Clone() *Session {
	clone := *s
	return &clone
}

// SentPassword reports whether the request for the last response carried the credential itself, and not a token.
func (s *Session) SentPassword() bool { return strings.HasPrefix(s.authorization, "Basic ") }

// attempt is one way to send a request.
type attempt struct {
	kind attemptKind
	// authorization is the header that is sent; empty for none.
	authorization string
	// challenge is the one that authorization answers.
	challenge challenge
	// cached reports that the token came from the cache, so that the registry may have revoked it.
	cached bool
}

type attemptKind uint8

const (
	// unauthorized sends no credential, as a node does first.
	unauthorized attemptKind = iota
	// answering answers the challenge of the attempt before.
	answering
	// preemptive answers the cached challenge of the endpoint.
	preemptive
	// reusing sends what the registry accepted for the session's last request.
	reusing
)

// refusal is an attempt that failed although it answered a challenge. The zero value stands for no refusal.
type refusal struct {
	attempt  attempt
	response *http.Response // without its body
	body     []byte
	err      error
}

// RoundTrip sends a request until the registry accepts the authorization, or refuses it for good. It implements
// http.RoundTripper.
//
// The sequence begins with the authorization that is most likely to be accepted. If that fails, the request is sent again as a
// node without caches sends it: without authorization first, then with an answer to the challenge. Some hosts challenge for
// some repositories only, and give another response to a credential than without it.
func (s *Session) RoundTrip(req *http.Request) (*http.Response, error) {
	a := s.firstAttempt(req.Context())
	for {
		resp, err := s.send(req, a)
		if err != nil {
			return nil, err
		}
		isOwn := resp.Request.URL.Host == req.URL.Host
		ch := parseChallenge(resp.Header)
		switch {
		case a.kind == reusing && resp.StatusCode == http.StatusUnauthorized,
			a.kind == preemptive && isOwn && mayBeUnauthorized(resp.StatusCode):
			s.refuse(a, resp)
			a = attempt{}
		case a.kind == unauthorized && isOwn && resp.StatusCode == http.StatusUnauthorized && ch.scheme != "":
			discard(resp)
			s.client.challenges.Put(s.endpoint.ID, ch.forAnyRepository(), ttlcache.Never())
			if s.wasRefused(ch) {
				return s.lastRefusal()
			}
			if a, err = s.answer(req.Context(), ch, answering); err != nil {
				return nil, err
			}
		default:
			s.responded, s.authorization = true, a.authorization
			return resp, nil
		}
	}
}

func (s *Session) firstAttempt(ctx context.Context) attempt {
	cached, ok := s.client.challenges.Get(s.endpoint.ID)
	switch {
	case s.authorization != "":
		return attempt{kind: reusing, authorization: s.authorization}
	case s.responded || !ok:
		return attempt{}
	}
	a, err := s.answer(ctx, cached, preemptive)
	if err != nil {
		s.refusal = refusal{attempt: attempt{challenge: cached}, err: err}
		return attempt{}
	}
	return a
}

func (s *Session) send(req *http.Request, a attempt) (*http.Response, error) {
	if a.authorization != "" {
		req = req.WithContext(req.Context()) // a copy: a RoundTripper must not change the request
		req.Header = req.Header.Clone()
		req.Header.Set("Authorization", a.authorization)
	}
	return s.endpoint.Transports.Content.RoundTrip(req)
}

// refuse stores the response to a preemptive attempt, unless it may be due to a cached token that has expired. A 404 does not
// depend on the token's age.
func (s *Session) refuse(a attempt, resp *http.Response) {
	if a.kind != preemptive || a.cached && resp.StatusCode != http.StatusNotFound {
		discard(resp)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes)) // an incomplete body holds no valid error codes
	s.refusal = refusal{attempt: a, response: resp, body: body}
}

// wasRefused reports whether an answer to this challenge was refused a moment ago. That holds for a challenge with the same
// scopes, and for any scopes if the token service rejected the credential itself. Sending it again could lock the account.
func (s *Session) wasRefused(c challenge) bool {
	before := s.refusal.attempt.challenge
	if before.scheme != c.scheme || before.realm != c.realm || before.service != c.service {
		return false
	}
	e, ok := errors.AsType[*TokenError](s.refusal.err)
	return ok && e.StatusCode == http.StatusUnauthorized || s.scopes(before) == s.scopes(c)
}

// lastRefusal returns the result of the attempt that was refused.
func (s *Session) lastRefusal() (*http.Response, error) {
	r := s.refusal
	if r.err != nil {
		return nil, r.err
	}
	s.responded, s.authorization = true, r.attempt.authorization
	resp := *r.response
	resp.Body = io.NopCloser(bytes.NewReader(r.body))
	return &resp, nil
}

// answer returns the attempt that answers a challenge. A preemptive attempt may use a cached token.
func (s *Session) answer(ctx context.Context, c challenge, kind attemptKind) (attempt, error) {
	a := attempt{kind: kind, challenge: c}
	if c.scheme == schemeBearer {
		token, cached, err := s.token(ctx, c, kind == preemptive)
		a.authorization, a.cached = "Bearer "+token, cached
		return a, err
	}
	if s.credential.Username == "" || s.credential.Password == "" {
		return attempt{}, ErrNoBasicCredential
	}
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(s.credential.Username, s.credential.Password)
	a.authorization = req.Header.Get("Authorization")
	return a, nil
}

// ErrNoBasicCredential is the error for a Basic challenge without a user or a password (containerd:
// core/remotes/docker/authorizer.go, AddResponses).
var ErrNoBasicCredential = errors.New("no user and password for basic authentication")

// mayBeUnauthorized reports whether a status may be due to a preemptive authorization. ECR Public responds with 400 to an
// expired token. Artifactory can respond with 404 to an account without permission, even if anonymous access is allowed.
func mayBeUnauthorized(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusBadRequest:
		return true
	}
	return false
}

// discard reads a short body to its end, so that the connection can be used again.
func discard(resp *http.Response) {
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBytes)
}
