package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/egress"
)

const (
	// maxTokenBytes bounds the response of a token service.
	maxTokenBytes = 64 << 10
	// maxLifetime bounds the time for which a token outlives a revoked credential. It also applies if the token service states
	// no lifetime (distribution: docs/spec/auth/token.md).
	maxLifetime = 60 * time.Second
)

// tokenKey holds everything that a token depends on. The credential is a part of it, so that a token for one credential is never
// sent for another. The endpoint's ID separates certificates and headers.
type tokenKey struct {
	endpoint               string
	realm, service, scopes string
	credential             imagepull.CredentialKey
}

// TokenError is the error for a failing status of a token service.
type TokenError struct {
	StatusCode int
	RetryAfter time.Duration
	// Withheld reports that the token service did not receive all that a node sends. Its refusal proves nothing.
	Withheld bool
	// LoginFailed reports that the token service rejected the credential itself.
	LoginFailed bool
}

func (e *TokenError) Error() string {
	return "the token service returned " + http.StatusText(e.StatusCode)
}

// InvalidResponseError is the error for a response that cannot be used. Its Detail is Pullgate's own text.
type InvalidResponseError struct {
	Detail string
	Err    error
}

func (e *InvalidResponseError) Error() string { return e.Detail }

// Unwrap returns the cause, for errors.As only.
func (e *InvalidResponseError) Unwrap() error { return e.Err }

// token returns a token that answers the challenge.
func (s *Session) token(ctx context.Context, realm *url.URL, c challenge, useCache bool) (string, error) {
	key := tokenKey{s.endpoint.ID, c.realm, c.service, s.scopes(c), s.credentialKey}
	if value, ok := s.client.tokens.Get(key); ok && useCache {
		return value, nil
	}
	now := s.client.options.Clock.Now()
	t, err := s.fetchToken(ctx, realm, c)
	if err != nil {
		s.client.tokens.Delete(key)
		return "", err
	}
	s.client.tokens.Put(key, t.value, now.Add(t.lifetime()))
	return t.value, nil
}

// scopes returns the scopes of a token request: the session's own and the challenge's (containerd:
// core/remotes/docker/scope.go, GetTokenScopes).
func (s *Session) scopes(c challenge) string {
	scopes := append(strings.Fields(c.scope), "repository:"+s.repository+":pull")
	slices.Sort(scopes)
	return strings.Join(slices.Compact(scopes), " ")
}

// fetchToken returns a token of the token service. A password that the service has refused a moment ago is sent once only, by GET,
// which all token services support. If it is not refused any more, the requests of a node follow.
func (s *Session) fetchToken(ctx context.Context, realm *url.URL, c challenge) (token, error) {
	if s.credential.Password == "" {
		return s.getToken(ctx, realm, c)
	}
	methods := 1
	if s.client.options.PostCredentials {
		methods = 2
	}
	turn, err := s.client.logins.begin(ctx, s.loginKey(realm), sends{full: methods, first: methods})
	if err != nil {
		return token{}, err
	}
	if turn.left < methods {
		_, err := s.getToken(ctx, realm, c)
		if isLoginFailure(err) {
			turn.refuse(1, false)
			turn.end()
			return token{}, err
		}
		turn.pardon()
		turn.end()
		return s.fetchToken(ctx, realm, c)
	}
	defer turn.end()
	t, refused, err := s.requestTokens(ctx, realm, c)
	switch {
	case err == nil:
		turn.accept()
	case refused > 0:
		turn.refuse(refused, isLoginFailure(err))
	}
	return t, err
}

// requestTokens sends the requests of containerd. A credential goes by POST, then by GET if the token service does not support POST
// (containerd: core/remotes/docker/authorizer.go, doBearerAuth). It also returns the number of sends that were refused, if the last
// one failed. A POST that is not supported counts if the GET is refused as well.
func (s *Session) requestTokens(ctx context.Context, realm *url.URL, c challenge) (t token, refused int, err error) {
	sent := 0
	if s.client.options.PostCredentials {
		t, err = s.postToken(ctx, realm, c)
		e, ok := errors.AsType[*TokenError](err)
		if !ok || !slices.Contains(withoutPost, e.StatusCode) {
			return t, 0, err
		}
		if sent++; isLoginFailure(err) {
			refused++
		}
	}
	t, err = s.getToken(ctx, realm, c)
	if isLoginFailure(err) {
		refused = sent + 1
	}
	return t, refused, err
}

// isLoginFailure reports whether a token service has refused the credential itself.
func isLoginFailure(err error) bool {
	e, ok := errors.AsType[*TokenError](err)
	return ok && e.LoginFailed
}

// withoutPost are the statuses of token services without POST: GCR responds with 404, Artifactory with 401, ACR with 400.
var withoutPost = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound, http.StatusMethodNotAllowed,
}

func (s *Session) postToken(ctx context.Context, realm *url.URL, c challenge) (token, error) {
	form := url.Values{
		"grant_type": {"password"},
		"username":   {s.credential.Username},
		"password":   {s.credential.Password},
		"scope":      {s.scopes(c)},
		"service":    {c.service},
		"client_id":  {"pullgate"},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, realm.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return token{}, err
	}
	req.Header = s.endpoint.NewHeader(realm.Host)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return s.requestToken(req)
}

func (s *Session) getToken(ctx context.Context, realm *url.URL, c challenge) (token, error) {
	query := realm.Query()
	if c.service != "" {
		query.Add("service", c.service)
	}
	for scope := range strings.FieldsSeq(s.scopes(c)) {
		query.Add("scope", scope)
	}
	address := *realm
	address.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return token{}, err
	}
	req.Header = s.endpoint.NewHeader(realm.Host)
	if s.credential.Password != "" {
		req.SetBasicAuth(s.credential.Username, s.credential.Password)
	}
	return s.requestToken(req)
}

func (s *Session) requestToken(req *http.Request) (token, error) {
	req.Header.Set("Accept-Encoding", "gzip") // as net/http does by itself on a node
	resp, err := s.endpoint.Transports.Token.RoundTrip(req)
	if err != nil {
		return token{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode >= 400 {
		return token{}, &TokenError{
			StatusCode:  resp.StatusCode,
			Withheld:    s.endpoint.Withholds(req.URL.Host),
			RetryAfter:  egress.RetryAfter(resp.Header, s.client.options.Clock.Now()),
			LoginFailed: resp.StatusCode == http.StatusUnauthorized && s.credential.Password != "",
		}
	}
	return parseToken(req.Method, io.LimitReader(resp.Body, maxTokenBytes))
}

// token is a token service's response.
type token struct {
	value   string
	seconds int
}

// lifetime returns how long a token is cached. The last tenth of its life is not used.
func (t token) lifetime() time.Duration {
	if t.seconds <= 0 || t.seconds > int(maxLifetime/time.Second)*2 { // a greater number may overflow
		return maxLifetime
	}
	lifetime := time.Duration(t.seconds) * time.Second
	return min(lifetime-lifetime/10, maxLifetime)
}

// tokenFields are the fields of both responses. All are decoded, because containerd rejects a response with a field of another
// type (core/remotes/docker/auth/fetch.go).
type tokenFields struct {
	AccessToken  string    `json:"access_token"`
	RefreshToken string    `json:"refresh_token"`
	ExpiresIn    int       `json:"expires_in"`
	IssuedAt     time.Time `json:"issued_at"`
}

// parseToken decodes a response. Only a response to GET may have "token" instead of "access_token".
func parseToken(method string, body io.Reader) (token, error) {
	var (
		post struct {
			tokenFields
			Scope string `json:"scope"`
		}
		get struct {
			tokenFields
			Token string `json:"token"`
		}
		err error
	)
	if method == http.MethodPost {
		err = json.NewDecoder(body).Decode(&post)
	} else {
		err = json.NewDecoder(body).Decode(&get)
	}
	value := cmp.Or(post.AccessToken, get.AccessToken, get.Token)
	if err != nil || value == "" {
		return token{}, &InvalidResponseError{Detail: "the token service returned no token", Err: err}
	}
	return token{value: value, seconds: cmp.Or(post.ExpiresIn, get.ExpiresIn)}, nil
}
