package registry

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

// Auth is how a registry asks its callers who they are.
type Auth uint8

const (
	// AuthNone asks nobody: everything can be pulled, and pushed over the wire too. It is the zero value.
	AuthNone Auth = iota
	// AuthBasic asks for a username and a password with each request.
	AuthBasic
	// AuthBearer asks for a token, which a token service gives out for a username and a password, or for nothing.
	AuthBearer
)

// Account is one caller that a registry knows. Printing it shows the username only.
type Account struct {
	Username, Password string
	// Repositories are patterns of what the account may pull, besides what is public; see Config.Public for their form.
	Repositories []string
}

// String returns the username.
func (a Account) String() string { return a.Username }

// GoString returns the username.
func (a Account) GoString() string { return fmt.Sprintf("registry.Account(%s)", a.Username) }

// Config says what a Server is like. The zero value is a usable one: TLS on a free port of 127.0.0.1, under a CA of its
// own, open to everybody.
type Config struct {
	// Addr is the address to listen on; empty means a free port of 127.0.0.1.
	Addr string
	// PlainHTTP makes the server speak HTTP without TLS.
	PlainHTTP bool
	// CA signs the server's certificate; nil makes one for this server alone.
	CA *CA
	// Names are DNS names and IP addresses, besides those of loopback, for which the certificate is valid from the start.
	// Adding the server to a Network adds to them.
	Names []string

	// Auth is how callers are asked who they are.
	Auth Auth
	// Accounts are the callers that are known. Pushing over the wire is not for them: only a registry with AuthNone
	// takes pushes that do not come through the Go API.
	Accounts []Account
	// Public are patterns of repositories that anyone may pull: those of path.Match, where in addition "*" alone means
	// every repository and "team/*" everything below team, however deep. A malformed pattern matches itself only.
	Public []string
	// ChallengePublic makes public repositories challenge callers who show nothing. With AuthBearer they then get in
	// with the anonymous token, as at the large public registries; with AuthBasic any account gets in.
	ChallengePublic bool
	// DenyStatus is the answer to a caller who is known and may not pull: 401, 403 or 404. Zero means 401 with
	// AuthBearer and 403 with AuthBasic. It is the same whether or not the repository exists.
	DenyStatus int
	// RevealMissing makes the registry answer 404 for a missing repository to everyone who got past the challenge,
	// and so reveal which of the others exist.
	RevealMissing bool

	// Token says how tokens are given out; it is for AuthBearer only.
	Token TokenConfig

	// Seed chooses the content of the images that are pushed as random: equal seeds give equal digests.
	Seed uint64
	// Now is the clock of tokens and limits; nil means time.Now.
	Now func() time.Time
}

// TokenConfig says how a registry with AuthBearer has its tokens given out.
type TokenConfig struct {
	// From is another server whose token service gives out the tokens; nil means the server's own. The accounts and
	// public repositories of that server are then those of this one, whose own must be empty.
	From *Server
	// Realm is the URL that challenges lead to. Empty means the token service as the client can reach it: on the host
	// that the client asked, or at the address of From.
	Realm string
	// Service is the name under which a registry asks for tokens; the default is "registry.test".
	Service string
	// Path is where the token service listens; the default is "/token".
	Path string
	// Lifetime is how long a token is good for; the default is five minutes.
	Lifetime time.Duration
	// RefusePost is the status that answers every POST, as services do that only know GET; zero means that POST works.
	RefusePost int
	// Omit are fields to leave out of the reply: "token", "access_token", "expires_in". Services differ in these.
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

// validate refuses contradictions: a test that configures one would not test what it says.
func (c Config) validate() error {
	for _, a := range c.Accounts {
		if a.Username == "" || a.Password == "" {
			return errors.New("an account needs a username and a password")
		}
	}
	switch c.DenyStatus {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
	default:
		return fmt.Errorf("a denial answers 401, 403 or 404, not %d", c.DenyStatus)
	}
	return c.validateToken()
}

func (c Config) validateToken() error {
	from := c.Token.From
	switch {
	case from == nil:
		return nil
	case c.Auth != AuthBearer || from.tokens == nil || from.cfg.Token.From != nil:
		return errors.New("tokens come from a server with a token service of its own, to one with AuthBearer")
	case len(c.Accounts) > 0 || len(c.Public) > 0:
		return errors.New("accounts and public repositories are those of the server that gives out the tokens")
	}
	return nil
}

// matchPattern reports whether the name fits the pattern, in the form that Config.Public describes.
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
