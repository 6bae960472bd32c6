package registry

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Bounds of what one process remembers of registries. Hosts and scopes are chosen by whoever may create pods, so neither
// may grow without end; an entry that is pushed out costs one more request.
const (
	maxChallenges = 1024
	maxTokens     = 4096
)

// Options configure a Client. The zero value is usable.
type Options struct {
	// Egress says where questions may go.
	Egress Egress
	// RequestTimeout bounds one HTTP exchange from dialling to the last byte read; 2.5 s when zero.
	RequestTimeout time.Duration
	// ConnectTimeout bounds dialling and the TLS handshake, each; 1 s when zero.
	ConnectTimeout time.Duration
	// ManifestBytes is the largest manifest that the nodes' runtime accepts; containerd's 4,393,216 when zero.
	ManifestBytes int64
	// UserAgent is sent with every request; "pullgate" when empty.
	UserAgent string
	// RootCAs verify registries; the system's when nil.
	RootCAs *x509.CertPool
	// DialContext replaces the guarded dialler, which checks every address it connects to.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Instrument wraps the transport that every request goes through, when not nil.
	Instrument func(http.RoundTripper) http.RoundTripper
	// Clock tells the age of tokens; the real one when nil.
	Clock clock.PassiveClock
}

func (o Options) withDefaults() Options {
	if o.RequestTimeout == 0 {
		o.RequestTimeout = 2500 * time.Millisecond
	}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = time.Second
	}
	if o.ManifestBytes == 0 {
		o.ManifestBytes = 4 * 1048 * 1048 // containerd: core/remotes/docker/resolver.go, MaxManifestSize
	}
	if o.UserAgent == "" {
		o.UserAgent = "pullgate"
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	return o
}

// Client asks registries. It is safe for concurrent use, and shares connections, challenges and tokens between questions.
type Client struct {
	options    Options
	guard      *guard
	transports *transports
	// manifests and tokenServices share their connections and differ in the redirects they follow.
	manifests, tokenServices *http.Client
	challenges               *lru.Cache[string, challenge]
	tokens                   *lru.Cache[tokenKey, token]
	// identityKey makes the identities of credentials in tokenKey meaningless outside this process.
	identityKey [32]byte
}

// New returns a Client, or an error that names the egress rule which can't be understood.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	g, err := newGuard(o.Egress)
	if err != nil {
		return nil, err
	}
	pools := newTransports(o, g)
	var t http.RoundTripper = pools
	if o.Instrument != nil {
		t = o.Instrument(t)
	}
	c := &Client{
		options:       o,
		guard:         g,
		transports:    pools,
		manifests:     &http.Client{Transport: t, CheckRedirect: followRedirects},
		tokenServices: &http.Client{Transport: t, CheckRedirect: stayOnHost},
	}
	_, _ = rand.Read(c.identityKey[:]) // it never fails (crypto/rand)
	if c.challenges, err = lru.New[string, challenge](maxChallenges); err != nil {
		return nil, fmt.Errorf("making the challenge cache: %w", err)
	}
	if c.tokens, err = lru.New[tokenKey, token](maxTokens); err != nil {
		return nil, fmt.Errorf("making the token cache: %w", err)
	}
	return c, nil
}

// Close gives up idle connections. Questions under way end by their contexts.
func (c *Client) Close() { c.transports.closeIdleConnections() }

// Resolve asks the reference's registry with one credential, the zero one being anonymous. It always returns a verdict:
// whatever goes wrong on the way is one of the reasons. The verdict of an index lists its platforms; whether one of them
// fits is not judged here.
func (c *Client) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	host := ref.Domain
	switch {
	case c.guard.denies(host):
		return egressForbidden("the registry is on the list of forbidden hosts")
	case isLoopbackHost(host) && !c.guard.allows(host):
		return imagepull.Verdict{
			Reason: imagepull.ReasonNodeLocalRegistry,
			Detail: "a loopback registry is the node's own, which Pullgate can't reach",
		}
	}
	if cred.IsAnonymous() {
		cred.Password = ""
	}
	q := &question{client: c, ref: ref, endpoint: endpointOf(host), credential: cred}
	v := q.resolve(ctx)
	v.Credential = cred.Source
	return v
}

// endpointOf returns the host that serves a domain's images (containerd: core/remotes/docker/resolver.go, DefaultHost).
func endpointOf(domain string) string {
	if domain == "docker.io" {
		return "registry-1.docker.io"
	}
	return domain
}
