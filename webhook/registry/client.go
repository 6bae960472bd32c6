package registry

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/semaphore"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/auth"
	"github.com/pullgate/pullgate/webhook/registry/egress"
	"github.com/pullgate/pullgate/webhook/registry/hosts"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

// Options configure a Client. The zero value is usable.
type Options struct {
	// Egress lists the hosts that may receive requests.
	Egress egress.Rules
	// TokenServices are hosts that may receive the credentials of a registry elsewhere.
	TokenServices []auth.TokenService
	// RequestTimeout bounds one HTTP exchange from dialling to the last byte of the body; 2.5 s when zero.
	RequestTimeout time.Duration
	// ConnectTimeout bounds dialling and the TLS handshake, each; 1 s when zero.
	ConnectTimeout time.Duration
	// Runtime pulls the images on the nodes; containerd when empty.
	Runtime imagepull.Runtime
	// ManifestBytes is the largest manifest that the nodes accept. Zero, or a larger value than the runtime's limit, means that
	// limit.
	ManifestBytes int64
	// UserAgent returns the User-Agent of a request. It is called for each request, because it names the runtime of the nodes,
	// and the nodes change; "pullgate" when nil.
	UserAgent func() string
	// HostsDir is a certs.d tree as on the nodes (see hosts.Load); none when empty. Changes take effect within a second.
	HostsDir string
	// LocalRegistry returns the address at which Pullgate reaches the local registry that nodes reach by this host, if the
	// cluster declares one. It may be nil. Changes take effect within a second.
	LocalRegistry func(host string) (address string, ok bool)
	// Proxy returns the proxy for a URL, or nil for a direct request, as in the environment of the nodes' runtime. If nil, all
	// requests are direct. A proxy resolves names itself, so that the addresses are not checked.
	Proxy func(*url.URL) (*url.URL, error)
	// RootCAs verify registries; the system's when nil.
	RootCAs *x509.CertPool
	// DialContext replaces the dialler, which checks each address.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Instrument wraps the transport of every request, if not nil.
	Instrument func(http.RoundTripper) http.RoundTripper
	// LogPrivate receives the cause if a host on a private network gives no response; the verdict then does not have it. If nil,
	// the verdict has the cause.
	LogPrivate func(host, cause string)
	// Keyer makes the keys of credentials in caches; a new one when nil.
	Keyer *imagepull.CredentialKeyer
	// Clock decides when tokens expire and hosts.toml is read again; the real clock when nil.
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
	if o.UserAgent == nil {
		o.UserAgent = func() string { return "pullgate" }
	}
	if o.Keyer == nil {
		o.Keyer = imagepull.NewCredentialKeyer()
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	return o
}

// Client sends requests to registries. It is safe for concurrent use. All lookups share connections, challenges, tokens and the
// content of indexes.
type Client struct {
	options Options
	runtime runtimeRules
	policy  *egress.Policy
	pool    *egress.Pool
	// decoders bounds the documents that are decoded at the same time.
	decoders *semaphore.Weighted
	auth     *auth.Client
	hosts    *ttlcache.Cache[string, hostsEntry]
	indexes  *ttlcache.Cache[indexKey, indexEntry]
}

// New returns a Client, or an error that names the invalid egress rule, the invalid token service or the missing directory.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	policy, err := egress.NewPolicy(o.Egress)
	if err != nil {
		return nil, err
	}
	pool, err := egress.NewPool(egress.Options{
		Policy:         policy,
		RequestTimeout: o.RequestTimeout,
		ConnectTimeout: o.ConnectTimeout,
		Proxy:          o.Proxy,
		DialContext:    o.DialContext,
		Instrument:     o.Instrument,
		LogPrivate:     o.LogPrivate,
	})
	if err != nil {
		return nil, err
	}
	if err := hosts.CheckRoot(o.HostsDir); err != nil {
		return nil, err
	}
	c := &Client{options: o, runtime: rulesOf(o.Runtime), policy: policy, pool: pool, decoders: semaphore.NewWeighted(maxDecoders)}
	if err := c.makeCaches(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Client) makeCaches() error {
	var errs [3]error
	c.auth, errs[0] = auth.NewClient(auth.Options{
		Clock:           c.options.Clock,
		Keyer:           c.options.Keyer,
		TokenServices:   c.options.TokenServices,
		PostCredentials: c.runtime.postsCredentials,
	})
	c.hosts, errs[1] = ttlcache.New(ttlcache.Options[string, hostsEntry]{MaxEntries: maxNamespaces, Clock: c.options.Clock})
	c.indexes, errs[2] = ttlcache.New(ttlcache.Options[indexKey, indexEntry]{MaxEntries: maxIndexes, Clock: c.options.Clock})
	return errors.Join(errs[:]...)
}

// Close closes idle connections. Requests in flight end with their contexts.
func (c *Client) Close() { c.pool.Close() }

// Resolve returns the verdict on a reference with one credential; the zero credential is anonymous. Every failure is a verdict
// with a reason. The verdict on an index lists its platforms; Resolve does not select one.
func (c *Client) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	list, v := c.sessions(ref, normalize(cred))
	if list != nil {
		v = list.resolve(ctx)
	}
	return withSource(v, cred)
}

// WithConfirmation returns a context for a lookup that confirms an earlier one. It uses a new connection, and may send a password
// once more than other lookups.
func WithConfirmation(ctx context.Context) context.Context {
	return auth.WithConfirmation(egress.WithNewConnection(ctx))
}

// withSource returns the verdict of a registry for a credential.
func withSource(v imagepull.Verdict, cred imagepull.Credential) imagepull.Verdict {
	v.Credential, v.Origin = cred.Source, cmp.Or(v.Origin, imagepull.OriginRegistry)
	return v
}

// normalize returns what a registry receives of a credential: a password without a user name is not sent.
func normalize(cred imagepull.Credential) imagepull.Credential {
	if cred.IsAnonymous() {
		cred.Password = ""
	}
	return cred
}

// sessions returns a session for each endpoint, or the verdict if the endpoints are not known.
func (c *Client) sessions(ref imagepull.Reference, cred imagepull.Credential) (sessions, imagepull.Verdict) {
	endpoints, err := c.endpoints(ref.Domain)
	if err != nil {
		// Pullgate's copy of the tree may be at fault, for instance a link to a file outside of it that only nodes have.
		return nil, unavailable("the nodes' registry hosts or their certificates cannot be read")
	}
	list := make(sessions, 0, len(endpoints))
	for _, e := range endpoints {
		list = append(list, &session{
			client: c, endpoint: e, ref: ref, credential: cred, auth: c.auth.NewSession(e.auth, cred, ref.Path),
		})
	}
	return list, imagepull.Verdict{}
}
