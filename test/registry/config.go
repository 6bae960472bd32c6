package registry

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

// Auth is the authentication scheme of a registry.
type Auth uint8

const (
	// AuthNone requires no authentication: every caller may pull, and push over the network. It is the zero value.
	AuthNone Auth = iota
	// AuthBasic requires a username and a password with each request.
	AuthBasic
	// AuthBearer requires a token. A token service issues it for a username and a password, or to an anonymous
	// caller.
	AuthBearer
)

// Account is an account of a registry. Printing it shows the username only.
type Account struct {
	Username, Password string
	// Repositories are patterns of repositories that the account may pull in addition to the public ones.
	// Config.Public describes the form.
	Repositories []string
}

// String returns the username.
func (a Account) String() string { return a.Username }

// GoString returns the username.
func (a Account) GoString() string { return fmt.Sprintf("registry.Account(%s)", a.Username) }

// Config configures a Server. The zero value is usable: TLS on a free port of 127.0.0.1, a CA of its own, and no
// authentication.
type Config struct {
	// Addr is the address to listen on; empty means a free port of 127.0.0.1.
	Addr string
	// PlainHTTP makes the server use HTTP without TLS.
	PlainHTTP bool
	// CA signs the server's certificate. If nil, the server gets a new CA.
	CA *CA
	// Names are further DNS names and IP addresses for which the certificate is valid from the start. The loopback
	// names are always included. Adding the server to a Network adds names.
	Names []string

	// Auth is the authentication scheme.
	Auth Auth
	// Accounts are the accounts of the registry. They may pull only: pushes over the network need AuthNone, and the
	// Go API works always.
	Accounts []Account
	// Public are patterns of repositories that every caller may pull. They use the syntax of path.Match, with two
	// additions: "*" alone matches every repository, and "team/*" matches everything below team, at any depth. A
	// malformed pattern matches only itself.
	Public []string
	// ChallengePublic makes public repositories challenge anonymous callers. With AuthBearer an anonymous token then
	// gives access, as at the large public registries. With AuthBasic every account has access.
	ChallengePublic bool
	// DenyStatus is the status for an authenticated caller who may not pull: 401, 403 or 404. Zero means 401 with
	// AuthBearer and 403 with AuthBasic. The status does not depend on whether the repository exists.
	DenyStatus int
	// RevealMissing makes the registry respond with 404 for a missing repository to every authenticated caller. The
	// status then reveals which repositories exist.
	RevealMissing bool

	// Token configures the token service. It applies to AuthBearer only.
	Token TokenConfig

	// Seed selects the random content of pushed images. Equal seeds give equal digests.
	Seed uint64
	// Now is the clock of tokens and limits; nil means time.Now.
	Now func() time.Time
}

// TokenConfig configures the tokens of a registry with AuthBearer.
type TokenConfig struct {
	// From is another server whose token service issues the tokens. If nil, the server issues them itself. The
	// accounts and public repositories of From then apply to this server, whose own must be empty.
	From *Server
	// Realm is the URL in the challenge. Empty means the token service at the host of the client's request, or at the
	// address of From.
	Realm string
	// Service is the service name in the challenge. The default is "registry.test".
	Service string
	// Path is the path of the token service. The default is "/token".
	Path string
	// Lifetime is how long a token is valid. The default is five minutes.
	Lifetime time.Duration
	// RefusePost is the status of the response to every POST, for services that support GET only. Zero means that
	// POST works.
	RefusePost int
	// Omit lists the fields to leave out of the token response: "token", "access_token", "expires_in". Token services
	// differ in them.
	Omit []string
}

// complete fills in the defaults.
func (c Config) complete() Config {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.DenyStatus == 0 {
		c.DenyStatus = http.StatusForbidden
		if c.Auth == AuthBearer {
			c.DenyStatus = http.StatusUnauthorized
		}
	}
	c.Token = c.Token.complete()
	return c
}

func (t TokenConfig) complete() TokenConfig {
	if t.Service == "" {
		t.Service = "registry.test"
	}
	if t.Path == "" {
		t.Path = "/token"
	}
	if t.Lifetime == 0 {
		t.Lifetime = 5 * time.Minute
	}
	return t
}

// validate rejects contradictions, because a test with such a configuration would test something else.
func (c Config) validate() error {
	for _, a := range c.Accounts {
		if a.Username == "" || a.Password == "" {
			return errors.New("an account needs a username and a password")
		}
	}
	switch c.DenyStatus {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
	default:
		return fmt.Errorf("DenyStatus must be 401, 403 or 404, not %d", c.DenyStatus)
	}
	return c.validateToken()
}

func (c Config) validateToken() error {
	from := c.Token.From
	switch {
	case from == nil:
		return nil
	case c.Auth != AuthBearer || from.tokens == nil || from.cfg.Token.From != nil:
		return errors.New("Token.From must be a server with its own token service, and the server must use AuthBearer")
	case len(c.Accounts) > 0 || len(c.Public) > 0:
		return errors.New("with Token.From, Accounts and Public must be empty")
	}
	return nil
}

// matchPattern reports whether the name matches the pattern. Config.Public describes the form.
func matchPattern(pattern, name string) bool {
	if pattern == "*" || pattern == name {
		return true
	}
	if parent, ok := strings.CutSuffix(pattern, "/*"); ok && strings.HasPrefix(name, parent+"/") {
		return true
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}
