package registry

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// access decides which account may pull which repository.
type access struct {
	public []string

	mu       sync.Mutex
	accounts []Account
}

// authenticate reports whether the account exists and has the password.
func (a *access) authenticate(username, password string) bool {
	account, ok := a.find(username)
	return ok && subtle.ConstantTimeCompare([]byte(account.Password), []byte(password)) == 1
}

// mayPull reports whether the account may pull the repository. The account "" is the anonymous one.
func (a *access) mayPull(username, repository string) bool {
	if a.isPublic(repository) {
		return true
	}
	account, ok := a.find(username)
	return ok && matchAny(account.Repositories, repository)
}

func (a *access) isPublic(repository string) bool { return matchAny(a.public, repository) }

func (a *access) find(username string) (Account, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.accounts, func(account Account) bool { return account.Username == username })
	if i < 0 {
		return Account{}, false
	}
	return a.accounts[i], true
}

// close deletes the account.
func (a *access) close(username string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.accounts = slices.DeleteFunc(slices.Clone(a.accounts), func(account Account) bool { return account.Username == username })
}

func matchAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matchPattern(pattern, name) })
}

// gate passes a request on to the content if its caller is allowed to see it.
type gate struct {
	cfg    Config
	access *access
	tokens *tokenService
	exists func(repository string) bool
	next   http.Handler
}

// caller classifies a request by the credentials in it.
type caller uint8

const (
	anonymous     caller = iota // no credentials
	rejected                    // wrong or expired credentials
	authenticated               // valid credentials
)

// ServeHTTP passes the request on, challenges it or denies it.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.cfg.Auth == AuthNone {
		g.next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	repository, _, _ := splitPath(r.URL.Path)
	who, mayPull := g.identify(r)
	switch {
	case who == anonymous && g.isOpen(repository) && isRead(r):
		g.next.ServeHTTP(w, r)
	case who != authenticated:
		g.challenge(w, r, who)
	case !isRead(r):
		writeError(w, http.StatusMethodNotAllowed, codeUnsupported)
	case isPing(r), g.isOpen(repository), repository != "" && mayPull(repository):
		g.next.ServeHTTP(w, r)
	case repository == "":
		writeError(w, http.StatusNotFound, codeUnsupported)
	default:
		g.deny(w, r, repository)
	}
}

// isOpen reports whether every caller may pull the repository without a challenge.
func (g *gate) isOpen(repository string) bool {
	return repository != "" && !g.cfg.ChallengePublic && g.access.isPublic(repository)
}

// identify classifies the caller. For an authenticated caller it also returns which repositories that caller may
// pull.
func (g *gate) identify(r *http.Request) (caller, func(repository string) bool) {
	if r.Header.Get("Authorization") == "" {
		return anonymous, nil
	}
	if g.cfg.Auth == AuthBearer {
		granted, ok := g.tokens.lookup(bearerToken(r))
		if !ok {
			return rejected, nil
		}
		return authenticated, granted.covers
	}
	username, password, ok := r.BasicAuth()
	if !ok || !g.access.authenticate(username, password) {
		return rejected, nil
	}
	return authenticated, func(repository string) bool { return g.access.mayPull(username, repository) }
}

// challenge writes a 401 response with a challenge.
func (g *gate) challenge(w http.ResponseWriter, r *http.Request, who caller) {
	cause := ""
	if who == rejected {
		cause = "invalid_token"
	}
	g.refuse(w, r, cause)
}

// refuse writes a 401 response with a challenge that names the cause.
func (g *gate) refuse(w http.ResponseWriter, r *http.Request, cause string) {
	w.Header().Set("WWW-Authenticate", g.challengeHeader(r, cause))
	writeError(w, http.StatusUnauthorized, codeUnauthorized)
}

// deny writes the response for an authenticated caller who may not pull the repository.
func (g *gate) deny(w http.ResponseWriter, r *http.Request, repository string) {
	status := g.cfg.DenyStatus
	if g.cfg.RevealMissing && !g.exists(repository) {
		status = http.StatusNotFound
	}
	switch status {
	case http.StatusNotFound:
		writeError(w, status, codeNameUnknown)
	case http.StatusUnauthorized:
		g.refuse(w, r, "insufficient_scope")
	default:
		writeError(w, status, codeDenied)
	}
}

// challengeHeader returns the value of WWW-Authenticate. Only a Bearer challenge has a cause.
func (g *gate) challengeHeader(r *http.Request, cause string) string {
	if g.cfg.Auth == AuthBasic {
		return `Basic realm="Registry"`
	}
	challenge := fmt.Sprintf("Bearer realm=%q,service=%q", g.realm(r), g.tokens.cfg.Service)
	if repository, _, _ := splitPath(r.URL.Path); repository != "" {
		challenge += fmt.Sprintf(",scope=%q", "repository:"+repository+":pull")
	}
	if cause != "" {
		challenge += fmt.Sprintf(",error=%q", cause)
	}
	return challenge
}

func (g *gate) realm(r *http.Request) string {
	switch from := g.cfg.Token.From; {
	case g.cfg.Token.Realm != "":
		return g.cfg.Token.Realm
	case from != nil:
		return from.URL() + from.cfg.Token.Path
	case r.TLS != nil:
		return "https://" + r.Host + g.cfg.Token.Path
	}
	return "http://" + r.Host + g.cfg.Token.Path
}

// bearerToken returns the bearer token of the request, or "" if it has none.
func bearerToken(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// isPing reports whether the request is for the API's version. Every authenticated caller may send it.
func isPing(r *http.Request) bool { return r.URL.Path == "/v2" || r.URL.Path == "/v2/" }
