package registry

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// access knows who may pull what.
type access struct {
	accounts []Account
	public   []string
}

// authenticate reports whether the password is the account's.
func (a *access) authenticate(username, password string) bool {
	account, ok := a.find(username)
	return ok && subtle.ConstantTimeCompare([]byte(account.Password), []byte(password)) == 1
}

// mayPull reports whether the account may pull the repository; the account "" is anybody.
func (a *access) mayPull(username, repository string) bool {
	if a.isPublic(repository) {
		return true
	}
	account, ok := a.find(username)
	return ok && matchAny(account.Repositories, repository)
}

func (a *access) isPublic(repository string) bool { return matchAny(a.public, repository) }

func (a *access) find(username string) (Account, bool) {
	i := slices.IndexFunc(a.accounts, func(account Account) bool { return account.Username == username })
	if i < 0 {
		return Account{}, false
	}
	return a.accounts[i], true
}

func matchAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matchPattern(pattern, name) })
}

// gate lets a request through to the content if its caller may see that.
type gate struct {
	cfg    Config
	access *access
	tokens *tokenService
	holds  func(repository string) bool
	next   http.Handler
}

// standing is how a caller stands at the gate.
type standing uint8

const (
	stranger standing = iota // shows nothing
	rejected                 // shows something that is not good, or no longer
	known                    // is who it says
)

// ServeHTTP lets the request through, challenges it or denies it.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.cfg.Auth == AuthNone {
		g.next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	repository, _, _ := splitPath(r.URL.Path)
	how, pulls := g.identify(r)
	switch {
	case how == stranger && g.isOpen(repository) && isRead(r):
		g.next.ServeHTTP(w, r)
	case how != known:
		g.challenge(w, r, how)
	case !isRead(r):
		writeError(w, http.StatusMethodNotAllowed, codeUnsupported)
	case isPing(r), g.isOpen(repository), repository != "" && pulls(repository):
		g.next.ServeHTTP(w, r)
	case repository == "":
		writeError(w, http.StatusNotFound, codeUnsupported)
	default:
		g.deny(w, r, repository)
	}
}

// isOpen reports whether anyone may pull the repository unchallenged.
func (g *gate) isOpen(repository string) bool {
	return repository != "" && !g.cfg.ChallengePublic && g.access.isPublic(repository)
}

// identify tells how the caller stands and, of a known one, what it may pull.
func (g *gate) identify(r *http.Request) (standing, func(repository string) bool) {
	if r.Header.Get("Authorization") == "" {
		return stranger, nil
	}
	if g.cfg.Auth == AuthBearer {
		granted, ok := g.tokens.lookup(bearerToken(r))
		if !ok {
			return rejected, nil
		}
		return known, granted.covers
	}
	username, password, ok := r.BasicAuth()
	if !ok || !g.access.authenticate(username, password) {
		return rejected, nil
	}
	return known, func(repository string) bool { return g.access.mayPull(username, repository) }
}

// challenge asks the caller who it is.
func (g *gate) challenge(w http.ResponseWriter, r *http.Request, how standing) {
	cause := ""
	if how == rejected {
		cause = "invalid_token"
	}
	w.Header().Set("WWW-Authenticate", g.challengeHeader(r, cause))
	writeError(w, http.StatusUnauthorized, codeUnauthorized)
}

// deny turns a known caller away.
func (g *gate) deny(w http.ResponseWriter, r *http.Request, repository string) {
	status := g.cfg.DenyStatus
	if g.cfg.RevealMissing && !g.holds(repository) {
		status = http.StatusNotFound
	}
	switch status {
	case http.StatusNotFound:
		writeError(w, status, codeNameUnknown)
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", g.challengeHeader(r, "insufficient_scope"))
		writeError(w, status, codeUnauthorized)
	default:
		writeError(w, status, codeDenied)
	}
}

// challengeHeader says how the caller can identify itself. Causes exist for tokens only.
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

// bearerToken returns the token that the request shows; empty if it shows none.
func bearerToken(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// isPing reports whether the request asks for the API's version, which everyone who is known may do.
func isPing(r *http.Request) bool { return r.URL.Path == "/v2" || r.URL.Path == "/v2/" }
