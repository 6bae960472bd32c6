package registry

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// tokenService issues tokens and looks them up.
type tokenService struct {
	cfg    TokenConfig
	access *access
	now    func() time.Time

	mu     sync.Mutex
	grants map[string]grant // by token
}

// grant is the account and the scope of a token.
type grant struct {
	account      string // empty for the anonymous token
	repositories []string
	expires      time.Time
}

// covers reports whether the token's scope includes pulling the repository.
func (g grant) covers(repository string) bool { return slices.Contains(g.repositories, repository) }

func newTokenService(cfg Config, access *access) *tokenService {
	return &tokenService{cfg: cfg.Token, access: access, now: cfg.Now, grants: map[string]grant{}}
}

// ServeHTTP serves token requests: GET as in the Docker token specification, POST as in OAuth 2.0.
func (t *tokenService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost && t.cfg.RefusePost != 0:
		http.Error(w, http.StatusText(t.cfg.RefusePost), t.cfg.RefusePost)
	case r.Method == http.MethodPost:
		t.servePost(w, r)
	case r.Method == http.MethodGet:
		t.serveGet(w, r)
	default:
		writeError(w, http.StatusMethodNotAllowed, codeUnsupported)
	}
}

// serveGet reads the account from the Authorization header. Without the header it issues an anonymous token.
func (t *tokenService) serveGet(w http.ResponseWriter, r *http.Request) {
	username, password, _ := r.BasicAuth()
	if r.Header.Get("Authorization") != "" && !t.access.authenticate(username, password) {
		writeError(w, http.StatusUnauthorized, codeUnauthorized)
		return
	}
	query := r.URL.Query()
	t.reply(w, query.Get("service"), username, query["scope"])
}

// servePost reads the account from the form. POST issues no anonymous tokens.
func (t *tokenService) servePost(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		writeOAuthError(w, http.StatusBadRequest, "invalid_request")
		return
	}
	form := r.PostForm
	username := form.Get("username")
	recordUser(r, username)
	switch {
	case form.Get("grant_type") != "password":
		writeOAuthError(w, http.StatusBadRequest, "unsupported_grant_type")
	case username == "" || form.Get("client_id") == "":
		writeOAuthError(w, http.StatusBadRequest, "invalid_request")
	case !t.access.authenticate(username, form.Get("password")):
		writeOAuthError(w, http.StatusUnauthorized, "invalid_client")
	default:
		t.reply(w, form.Get("service"), username, form["scope"])
	}
}

// reply issues a token for the requested scopes that the account may pull.
func (t *tokenService) reply(w http.ResponseWriter, service, username string, scopes []string) {
	if service != t.cfg.Service {
		// The error reveals a client that does not send the service of the challenge. Real token services reject it
		// too.
		writeOAuthError(w, http.StatusBadRequest, "invalid_request")
		return
	}
	token := t.issue(username, t.granted(username, scopes))
	resp := map[string]any{
		"token": token, "access_token": token, "expires_in": int(t.cfg.Lifetime.Seconds()),
	}
	for _, field := range t.cfg.Omit {
		delete(resp, field)
	}
	writeJSON(w, http.StatusOK, resp)
}

// granted returns the repositories in the scopes that the account may pull. Scopes may be separate values, as in the
// Docker specification, separated by spaces, as in OAuth, or both.
func (t *tokenService) granted(username string, scopes []string) []string {
	var repositories []string
	for _, scope := range strings.Fields(strings.Join(scopes, " ")) {
		repository, ok := pullScope(scope)
		if ok && t.access.mayPull(username, repository) {
			repositories = append(repositories, repository)
		}
	}
	return repositories
}

// pullScope returns the repository of the scope "repository:name:actions" if the actions include pull.
func pullScope(scope string) (repository string, ok bool) {
	rest, isRepository := strings.CutPrefix(scope, "repository:")
	// A name may contain colons, actions may not.
	i := strings.LastIndex(rest, ":")
	if !isRepository || i < 0 {
		return "", false
	}
	actions := strings.Split(rest[i+1:], ",")
	return rest[:i], slices.Contains(actions, "pull") || slices.Contains(actions, "*")
}

// issue creates a token, and deletes expired ones.
func (t *tokenService) issue(username string, repositories []string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	maps.DeleteFunc(t.grants, func(_ string, g grant) bool { return !now.Before(g.expires) })
	token := rand.Text()
	t.grants[token] = grant{account: username, repositories: repositories, expires: now.Add(t.cfg.Lifetime)}
	return token
}

// lookup returns the grant of the token, and false if it is unknown or expired.
func (t *tokenService) lookup(token string) (grant, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, ok := t.grants[token]
	if !ok || !t.now().Before(g.expires) {
		return grant{}, false
	}
	return g, true
}

// writeOAuthError writes an error response in the form of RFC 6749 §5.2.
func writeOAuthError(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]string{"error": code})
}
