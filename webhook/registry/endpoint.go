package registry

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/hosts"
)

// maxTransports bounds the TLS configurations with connections of their own. Operators choose these, in files.
const maxTransports = 64

// endpoint is one host that a reference can be asked of, with all that it takes to do so.
type endpoint struct {
	hosts.Host
	namespace string
	// id tells all that is configured for the endpoint from anything else, so that challenges and tokens do not mix.
	id hosts.Fingerprint
	// named are the hosts in the same hosts.toml. They are the operators' choice, as those in egress.allow are.
	named origins
	// local marks the cluster's local registry, asked by another address than the nodes use.
	local bool
	// closed is why the endpoint is not asked, though a node would ask it; the zero verdict when it is.
	closed imagepull.Verdict
	// contents and tokenServices share their connections and differ in the redirects they follow.
	contents, tokenServices *http.Client
}

// origins are "scheme://host:port".
type origins []string

func originOf(scheme, host string) string {
	name, port := hostpattern.SplitPort(strings.ToLower(host))
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + net.JoinHostPort(name, port)
}

func (o origins) contain(scheme, host string) bool { return slices.Contains(o, originOf(scheme, host)) }

// origins lists the hosts that a file names, but for those that mean the node: Pullgate's own loopback is another one.
func originsOf(list0 []hosts.Host) origins {
	var list origins
	for _, h := range list0 {
		if !h.Named || !h.IsUsable() || isLoopbackHost(h.Name) {
			continue
		}
		list = append(list, originOf(h.Scheme, h.Name))
		if h.HTTPFallback {
			list = append(list, originOf("http", h.Name))
		}
	}
	return list
}

// endpoints returns where a node asks for a namespace's images, in its order.
func (c *Client) endpoints(namespace string) ([]*endpoint, error) {
	l := c.listing(namespace)
	return l.endpoints, l.err
}

func (c *Client) readEndpoints(namespace string) ([]*endpoint, error) {
	if err := hosts.CheckRoot(c.options.HostsDir); err != nil {
		return nil, err
	}
	list, local, err := c.hostsOf(namespace)
	if err != nil {
		return nil, err
	}
	named := originsOf(list)
	var endpoints []*endpoint
	for _, h := range list {
		e := &endpoint{Host: h, namespace: namespace, named: named, local: local}
		if err := c.connect(e); err != nil {
			return nil, err
		}
		// A node gets nowhere with an unusable one and goes on to the next.
		if h.IsUsable() {
			endpoints = append(endpoints, e)
		}
	}
	return endpoints, nil
}

// connect gives an endpoint its id and its clients.
func (c *Client) connect(e *endpoint) error {
	pool, id, err := c.transportsFor(&e.Host)
	if err != nil {
		return err
	}
	e.id = hosts.NewFingerprint([]byte(e.namespace), []byte(e.Scheme), []byte(e.Name), []byte(e.Path), headerBytes(e.Header), id[:])
	e.closed = c.closed(e)
	r := &route{guard: c.guard, transports: pool, named: e.named}
	if e.local {
		r.local = e.localOrigins()
	}
	var t http.RoundTripper = r
	if c.options.Instrument != nil {
		t = c.options.Instrument(t)
	}
	e.contents = &http.Client{Transport: t, CheckRedirect: e.followRedirects}
	e.tokenServices = &http.Client{Transport: t, CheckRedirect: stayOnHost}
	return nil
}

// transportsFor returns the connections that fit what the host's files hold now.
func (c *Client) transportsFor(h *hosts.Host) (*transports, hosts.Fingerprint, error) {
	material, err := h.ReadTLS()
	if err != nil {
		return nil, hosts.Fingerprint{}, err
	}
	connect := c.options.ConnectTimeout
	if h.DialTimeout != nil && *h.DialTimeout != 0 { // zero is no limit of the node's
		connect = min(connect, *h.DialTimeout)
	}
	tlsID := material.Fingerprint()
	id := hosts.NewFingerprint(tlsID[:], []byte(connect.String()))
	if pool, ok := c.pools.Get(id); ok {
		return pool, id, nil
	}
	config, err := material.Config(c.options.RootCAs)
	if err != nil {
		return nil, hosts.Fingerprint{}, err
	}
	pool := newTransports(c.options, c.guard, config, connect)
	if known, ok, _ := c.pools.PeekOrAdd(id, pool); ok {
		pool = known
	}
	return pool, id, nil
}

// closed says why an endpoint must not be asked.
func (c *Client) closed(e *endpoint) imagepull.Verdict {
	switch {
	case c.guard.denies(authority(e.Scheme, e.Name)), !e.isMirror() && c.guard.denies(e.namespace):
		return egressForbidden("the registry is on the list of forbidden hosts")
	case isLoopbackHost(e.Name) && !c.guard.allows(authority(e.Scheme, e.Name)):
		return imagepull.Verdict{
			Reason: imagepull.ReasonNodeLocalRegistry,
			Detail: "a loopback registry is the node's own, which Pullgate can't reach",
		}
	}
	return imagepull.Verdict{}
}

// can reports whether the endpoint may be asked for a reference: one by tag needs more trust than one by digest, whose
// content proves itself.
func (e *endpoint) can(ref imagepull.Reference) bool {
	need := hosts.CapabilityPull
	if ref.Digest == "" {
		need |= hosts.CapabilityResolve
	}
	return e.Capabilities&need == need
}

// isMirror reports whether the endpoint stands for another registry than its own.
func (e *endpoint) isMirror() bool { return !e.local && e.IsMirror(e.namespace) }

// say names the host that gave a verdict, where its name is not that in the image.
func (e *endpoint) say(v imagepull.Verdict) imagepull.Verdict {
	switch {
	case v.Detail == "":
	case e.local:
		v.Detail = "local registry " + e.Name + ": " + v.Detail
	case e.isMirror():
		v.Detail = "mirror " + e.Name + ": " + v.Detail
	}
	return v
}

func headerBytes(header http.Header) []byte {
	var b strings.Builder
	_ = header.Write(&b) // in the order of its keys; a Builder takes everything
	return []byte(b.String())
}
