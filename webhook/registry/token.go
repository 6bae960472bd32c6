package registry

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/hosts"
)

const (
	// tokenBytes bounds what a token service may answer.
	tokenBytes = 64 << 10
	// defaultLifetime is that of a token whose service names none (distribution: docs/spec/auth/token.md).
	defaultLifetime = 60 * time.Second
	// maxLifetime keeps a revoked credential from living on in its token.
	maxLifetime = 15 * time.Minute
)

// token is what a token service gave, until it expires.
type token struct {
	value   string
	expires time.Time
}

// tokenKey names all that a token depends on. One tenant's token never answers for another: the identity is part of it. Nor
// does one that was fetched with other certificates or another header.
type tokenKey struct {
	endpoint              hosts.Fingerprint
	realm, service, scope string
	identity              [sha256.Size]byte
}

// identity tells credentials apart without keeping them.
func (c *Client) identity(cred imagepull.Credential) (id [sha256.Size]byte) {
	mac := hmac.New(sha256.New, c.identityKey[:])
	for _, field := range []string{cred.Username, cred.Password} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		mac.Write(length[:])
		mac.Write([]byte(field))
	}
	return [sha256.Size]byte(mac.Sum(nil))
}

// token returns a token for the challenge, from memory unless fresh is asked for. A refusal is a *tokenError.
func (q *question) token(ctx context.Context, ch challenge, fresh bool) (value string, remembered bool, err error) {
	key := tokenKey{q.endpoint.id, ch.realm, ch.service, q.scope(ch), q.client.identity(q.credential)}
	now := q.client.options.Clock.Now()
	if t, ok := q.client.tokens.Get(key); ok && !fresh && now.Before(t.expires) {
		return t.value, true, nil
	}
	t, err := q.fetchToken(ctx, ch)
	if err != nil {
		q.client.tokens.Remove(key)
		return "", false, err
	}
	q.client.tokens.Add(key, token{value: t.value, expires: now.Add(t.lifetime())})
	return t.value, false, nil
}

// scope is what containerd asks for: its own wish and the challenge's (containerd: core/remotes/docker/scope.go,
// GetTokenScopes).
func (q *question) scope(ch challenge) string {
	scopes := append(strings.Fields(ch.scope), "repository:"+q.ref.Path+":pull")
	slices.Sort(scopes)
	return strings.Join(slices.Compact(scopes), " ")
}

// tokenError is a token service's answer that holds no token.
type tokenError struct {
	status     int
	retryAfter time.Duration
}

func (e *tokenError) Error() string { return "the token service answered " + http.StatusText(e.status) }

type tokenAnswer struct {
	value   string
	seconds int
}

func (t tokenAnswer) lifetime() time.Duration {
	if t.seconds <= 0 {
		return defaultLifetime
	}
	lifetime := time.Duration(t.seconds) * time.Second
	return min(lifetime-lifetime/10, maxLifetime)
}

// fetchToken asks as containerd does: a credential by POST, then by GET where the service doesn't know POST; nobody by GET
// (containerd: core/remotes/docker/authorizer.go, doBearerAuth).
func (q *question) fetchToken(ctx context.Context, ch challenge) (tokenAnswer, error) {
	realm, err := q.checkRealm(ch.realm)
	if err != nil {
		return tokenAnswer{}, err
	}
	if q.credential.Password == "" || !q.client.runtime.postsCredentials {
		return q.getToken(ctx, realm, ch)
	}
	answer, err := q.postToken(ctx, realm, ch)
	if refusal, ok := asError[*tokenError](err); ok && slices.Contains(getInstead, refusal.status) {
		return q.getToken(ctx, realm, ch)
	}
	return answer, err
}

// getInstead are the answers of services without POST: GCR gives 404, Artifactory 401, ACR 400.
var getInstead = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound, http.StatusMethodNotAllowed,
}

func (q *question) postToken(ctx context.Context, realm *url.URL, ch challenge) (tokenAnswer, error) {
	form := url.Values{
		"grant_type": {"password"},
		"username":   {q.credential.Username},
		"password":   {q.credential.Password},
		"scope":      {q.scope(ch)},
		"service":    {ch.service},
		"client_id":  {"pullgate"},
	}
	req, err := q.newRequest(ctx, http.MethodPost, realm, strings.NewReader(form.Encode()))
	if err != nil {
		return tokenAnswer{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return q.requestToken(req)
}

func (q *question) getToken(ctx context.Context, realm *url.URL, ch challenge) (tokenAnswer, error) {
	query := realm.Query()
	if ch.service != "" {
		query.Add("service", ch.service)
	}
	for scope := range strings.FieldsSeq(q.scope(ch)) {
		query.Add("scope", scope)
	}
	address := *realm
	address.RawQuery = query.Encode()
	req, err := q.newRequest(ctx, http.MethodGet, &address, nil)
	if err != nil {
		return tokenAnswer{}, err
	}
	if q.credential.Password != "" {
		req.SetBasicAuth(q.credential.Username, q.credential.Password)
	}
	return q.requestToken(req)
}

func (q *question) requestToken(req *http.Request) (tokenAnswer, error) {
	ctx, cancel := context.WithTimeout(req.Context(), q.client.options.RequestTimeout)
	defer cancel()
	resp, err := q.endpoint.tokenServices.Do(req.WithContext(ctx))
	if err != nil {
		return tokenAnswer{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode >= 400 {
		return tokenAnswer{}, &tokenError{resp.StatusCode, retryAfter(resp.Header, q.client.options.Clock.Now())}
	}
	return readToken(req.Method, io.LimitReader(resp.Body, tokenBytes))
}

// tokenFields are in answers of both kinds. Those that are of no use here are read all the same: an answer with one of a
// wrong type is none to containerd (core/remotes/docker/auth/fetch.go).
type tokenFields struct {
	AccessToken  string    `json:"access_token"`
	RefreshToken string    `json:"refresh_token"`
	ExpiresIn    int       `json:"expires_in"`
	IssuedAt     time.Time `json:"issued_at"`
}

type postedToken struct {
	tokenFields
	Scope string `json:"scope"`
}

type gottenToken struct {
	tokenFields
	Token string `json:"token"`
}

// readToken takes "token" for want of "access_token" in answers to GET only.
func readToken(method string, body io.Reader) (tokenAnswer, error) {
	var (
		posted postedToken
		gotten gottenToken
		err    error
	)
	if method == http.MethodPost {
		err = json.NewDecoder(body).Decode(&posted)
	} else {
		err = json.NewDecoder(body).Decode(&gotten)
	}
	value := cmp.Or(posted.AccessToken, gotten.AccessToken, gotten.Token)
	if err != nil || value == "" {
		return tokenAnswer{}, &answerError{detail: "the token service gave no token", cause: err}
	}
	return tokenAnswer{value: value, seconds: cmp.Or(posted.ExpiresIn, gotten.ExpiresIn)}, nil
}

// checkRealm decides whether the token service may be asked. The realm is the registry's word, so a credential goes only
// where its owner would expect it.
func (q *question) checkRealm(text string) (*url.URL, error) {
	realm, err := url.Parse(text)
	if err != nil || realm.Host == "" || realm.User != nil {
		return nil, &answerError{detail: "the registry names no valid token service"}
	}
	if q.credential.Password != "" && !q.isOwnService(realm) {
		return nil, &egressError{"the registry's token service is on another domain, which egress.allow doesn't list"}
	}
	return realm, nil
}

// isOwnService lets a host name a token service that is its own, or that of the registry it stands for, or one that the
// operators chose.
func (q *question) isOwnService(realm *url.URL) bool {
	if q.client.guard.allows(realm.Host) || q.endpoint.named.contain(realm.Scheme, realm.Host) {
		return true
	}
	service, _ := hostpattern.SplitPort(strings.ToLower(realm.Host))
	for _, host := range []string{q.endpoint.Name, q.endpoint.namespace} {
		own, _ := hostpattern.SplitPort(strings.ToLower(host))
		domain, err := publicsuffix.EffectiveTLDPlusOne(own)
		if service == own || err == nil && (service == domain || strings.HasSuffix(service, "."+domain)) {
			return true
		}
	}
	return false
}
