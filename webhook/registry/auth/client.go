package auth

import (
	"errors"
	"net/http"
	"sync/atomic"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/egress"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

// Bounds of the caches. Pod authors choose hosts and repositories, so neither may grow without limit. An evicted entry costs one more
// request.
const (
	maxChallenges = 4096
	maxTokens     = 4096
)

// Options configure a Client. All fields but PostCredentials are required.
type Options struct {
	// Clock decides when tokens expire.
	Clock clock.PassiveClock
	// Keyer makes the keys of credentials in the token cache.
	Keyer *imagepull.CredentialKeyer
	// Allows reports whether the operator allows a host to receive the credentials of another registry.
	Allows func(host string) bool
	// PostCredentials sends a credential to a token service by POST first, and by GET if the service does not support POST.
	PostCredentials bool
}

// Client caches the challenges and tokens of all sessions. It is safe for concurrent use.
type Client struct {
	options    Options
	challenges *ttlcache.Cache[challengeKey, challenge]
	tokens     *ttlcache.Cache[tokenKey, string]
}

// NewClient returns a Client.
func NewClient(o Options) (*Client, error) {
	challenges, err := ttlcache.New(ttlcache.Options[challengeKey, challenge]{MaxEntries: maxChallenges, Clock: o.Clock})
	tokens, err2 := ttlcache.New(ttlcache.Options[tokenKey, string]{MaxEntries: maxTokens, Clock: o.Clock})
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	return &Client{options: o, challenges: challenges, tokens: tokens}, nil
}

// Endpoint is a host that receives requests, and its token services.
type Endpoint struct {
	// ID identifies everything that is configured for the endpoint. Challenges and tokens of different IDs do not mix.
	ID string
	// Hosts are the names of the endpoint and of the registry whose images it serves.
	Hosts []string
	// Trusted are token services that the operator named.
	Trusted egress.Origins
	// Header is configured for the endpoint.
	Header http.Header
	// UserAgent returns the User-Agent of a request, if the Header has none.
	UserAgent func() string
	// Transports send the requests.
	Transports egress.Transports
}

// NewHeader returns the header that is common to all requests to the endpoint and to its token services.
func (e *Endpoint) NewHeader() http.Header {
	header := e.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", e.UserAgent())
	}
	return header
}

// NewSession returns a Session for pulling from a repository.
func (c *Client) NewSession(e *Endpoint, cred imagepull.Credential, repository string) *Session {
	return &Session{client: c, endpoint: e, credential: cred, repository: repository, refusals: new(atomic.Int32)}
}
