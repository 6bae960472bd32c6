package auth

import (
	"errors"
	"maps"
	"net/http"
	"slices"
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

// Options configure a Client. Clock and Keyer are required.
type Options struct {
	// Clock decides when tokens expire.
	Clock clock.PassiveClock
	// Keyer makes the keys of credentials in the caches.
	Keyer *imagepull.CredentialKeyer
	// TokenServices are hosts that the operator names, in addition to the known ones.
	TokenServices []TokenService
	// PostCredentials sends a credential to a token service by POST first, and by GET if the service does not support POST.
	PostCredentials bool
}

// Client caches the challenges and tokens of all sessions, and bounds their failed logins. It is safe for concurrent use.
type Client struct {
	options    Options
	services   []service
	challenges *ttlcache.Cache[challengeKey, challenge]
	tokens     *ttlcache.Cache[tokenKey, string]
	logins     *logins
}

// NewClient returns a Client, or an error that names the invalid token service.
func NewClient(o Options) (*Client, error) {
	challenges, err := ttlcache.New(ttlcache.Options[challengeKey, challenge]{MaxEntries: maxChallenges, Clock: o.Clock})
	tokens, err2 := ttlcache.New(ttlcache.Options[tokenKey, string]{MaxEntries: maxTokens, Clock: o.Clock})
	logins, err3 := newLogins(o.Clock)
	services, err4 := parseServices(slices.Concat(o.TokenServices, knownServices()))
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return nil, err
	}
	return &Client{options: o, services: services, challenges: challenges, tokens: tokens, logins: logins}, nil
}

// Endpoint is a host that receives requests, and its token services.
type Endpoint struct {
	// ID identifies everything that is configured for the endpoint. Challenges and tokens of different IDs do not mix.
	ID string
	// Hosts are the names of the endpoint and of the registry whose images it serves, in this order.
	Hosts []string
	// Trusted are token services that the operator named.
	Trusted egress.Origins
	// Header is configured for the endpoint.
	Header http.Header
	// HasClientCertificate is true if the endpoint gets a client certificate.
	HasClientCertificate bool
	// UserAgent returns the User-Agent of a request, if the Header has none.
	UserAgent func() string
	// Transports send the requests.
	Transports egress.Transports
}

// NewHeader returns the header that is common to all requests to a host. The configured header is for the endpoint's own host
// only, because its values may be secrets.
func (e *Endpoint) NewHeader(host string) http.Header {
	header := http.Header{}
	for key, values := range e.Header {
		if e.isOwn(host) || !isSecret(key) {
			header[key] = slices.Clone(values)
		}
	}
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", e.UserAgent())
	}
	return header
}

// Withholds reports whether a host gets less than a node would send it: no configured header or no client certificate.
func (e *Endpoint) Withholds(host string) bool {
	if e.isOwn(host) {
		return false
	}
	return e.HasClientCertificate || slices.ContainsFunc(slices.Collect(maps.Keys(e.Header)), isSecret)
}

func (e *Endpoint) isOwn(host string) bool { return egress.IsSameName(host, e.Hosts[0]) }

// isSecret reports whether a key of the configured header may have a secret as its value.
func isSecret(key string) bool {
	canonical := http.CanonicalHeaderKey(key)
	return canonical != "Accept" && canonical != "User-Agent"
}

// NewSession returns a Session for pulling from a repository.
func (c *Client) NewSession(e *Endpoint, cred imagepull.Credential, repository string) *Session {
	return &Session{
		client: c, endpoint: e, credential: cred, credentialKey: c.options.Keyer.Key(cred), repository: repository,
		refusals: new(atomic.Int32),
	}
}
