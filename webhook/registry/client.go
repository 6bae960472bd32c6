package registry

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/hosts"
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
	// Runtime pulls the images on the nodes; containerd when empty.
	Runtime imagepull.Runtime
	// ManifestBytes is the largest manifest that the nodes accept; when zero, or beyond it, the runtime's own limit.
	ManifestBytes int64
	// UserAgent is sent with every request; "pullgate" when empty.
	UserAgent string
	// HostsDir is a certs.d tree as on the nodes, which says where they ask for a registry's images (see hosts.Load); none
	// when empty. A change is noticed within a second.
	HostsDir string
	// LocalRegistry returns where Pullgate can ask a registry that the nodes know by this host, if the cluster says so of it;
	// nil when nobody knows. A change is noticed within a second.
	LocalRegistry func(host string) (address string, ok bool)
	// Proxy returns the proxy through which a URL is to be asked for, nil for none, as the nodes' runtime has it from its
	// environment; without it everything is asked directly. Proxies resolve names by themselves, past the guard.
	Proxy func(*url.URL) (*url.URL, error)
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
	limit := rulesOf(o.Runtime).manifestBytes
	o.ManifestBytes = min(cmp.Or(o.ManifestBytes, limit), limit)
	if o.UserAgent == "" {
		o.UserAgent = "pullgate"
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	return o
}

// Client asks registries. It is safe for concurrent use, and shares connections, challenges, tokens and
// what indexes list between questions.
type Client struct {
	options    Options
	runtime    runtimeRules
	guard      *guard
	listings   *lru.Cache[string, listing]
	pools      *lru.Cache[hosts.Fingerprint, *transports]
	challenges *lru.Cache[hosts.Fingerprint, challenge]
	tokens     *lru.Cache[tokenKey, token]
	contents   *lru.Cache[contentKey, content]
	// identityKey makes the identities of credentials in tokenKey meaningless outside this process.
	identityKey [32]byte
}

// New returns a Client, or an error that names the egress rule which can't be understood or the directory that isn't there.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	g, err := newGuard(o.Egress)
	if err != nil {
		return nil, err
	}
	if err := hosts.CheckRoot(o.HostsDir); err != nil {
		return nil, err
	}
	c := &Client{options: o, runtime: rulesOf(o.Runtime), guard: g}
	_, _ = rand.Read(c.identityKey[:]) // it never fails (crypto/rand)
	if err := c.makeCaches(); err != nil {
		return nil, fmt.Errorf("making the caches: %w", err)
	}
	return c, nil
}

func (c *Client) makeCaches() error {
	var errs [5]error
	c.listings, errs[0] = lru.New[string, listing](maxNamespaces)
	c.pools, errs[1] = lru.NewWithEvict(maxTransports, func(_ hosts.Fingerprint, t *transports) { t.closeIdleConnections() })
	c.challenges, errs[2] = lru.New[hosts.Fingerprint, challenge](maxChallenges)
	c.tokens, errs[3] = lru.New[tokenKey, token](maxTokens)
	c.contents, errs[4] = lru.New[contentKey, content](maxContents)
	return errors.Join(errs[:]...)
}

// Close gives up idle connections. Questions under way end by their contexts.
func (c *Client) Close() { c.pools.Purge() }

// Resolve asks for the reference with one credential, the zero one being anonymous, where a node would ask. It always returns
// a verdict: whatever goes wrong on the way is one of the reasons. The verdict of an index lists its platforms; whether one
// of them fits is not judged here.
func (c *Client) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	return said(c.resolve(ctx, ref, shown(cred)), cred)
}

// said marks a verdict as the answer to a credential.
func said(v imagepull.Verdict, cred imagepull.Credential) imagepull.Verdict {
	v.Credential, v.Origin = cred.Source, imagepull.OriginRegistry
	return v
}

// shown is what a registry gets to see of a credential.
func shown(cred imagepull.Credential) imagepull.Credential {
	if cred.IsAnonymous() {
		cred.Password = ""
	}
	return cred
}

func (c *Client) resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	p, failed := c.pull(ref, cred)
	if p == nil {
		return failed
	}
	return p.resolve(ctx)
}

// pull prepares the questions of one pull, one for each host; or says why there is none.
func (c *Client) pull(ref imagepull.Reference, cred imagepull.Credential) (*pull, imagepull.Verdict) {
	endpoints, err := c.endpoints(ref.Domain)
	if err != nil {
		// It may be Pullgate's copy of the tree that is at fault, such as for a file outside of it that only nodes have.
		return nil, unavailable("the nodes' registry hosts or their certificates can't be read")
	}
	p := &pull{ref: ref}
	for _, e := range endpoints {
		p.questions = append(p.questions, &question{client: c, ref: ref, endpoint: e, credential: cred})
	}
	return p, imagepull.Verdict{}
}
