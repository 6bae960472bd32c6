package registry

import (
	"crypto/tls"
	"net/http"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/auth"
	"github.com/pullgate/pullgate/webhook/registry/egress"
	"github.com/pullgate/pullgate/webhook/registry/hosts"
)

// endpoint is one host that serves the images of a namespace, with its connections.
type endpoint struct {
	hosts.Host
	namespace string
	// local marks the cluster's local registry, which Pullgate reaches at another address than nodes do.
	local bool
	// blocked is the verdict if the endpoint must not receive requests, although a node sends them. Otherwise it is zero.
	blocked imagepull.Verdict
	// auth holds the endpoint's identity, header and transports.
	auth *auth.Endpoint
}

// readEndpoints returns the endpoints of a namespace, in the order of the node.
func (c *Client) readEndpoints(namespace string) ([]*endpoint, error) {
	if err := hosts.CheckRoot(c.options.HostsDir); err != nil {
		return nil, err
	}
	list, local, err := c.readHosts(namespace)
	if err != nil {
		return nil, err
	}
	trusted := trustedOrigins(list)
	var endpoints []*endpoint
	for _, h := range list {
		e := &endpoint{Host: h, namespace: namespace, local: local}
		e.blocked = c.blocked(e)
		if e.auth, err = c.connect(e, trusted); err != nil {
			return nil, err
		}
		// A node skips a host that is not usable, but reads its certificates.
		if h.IsUsable() {
			endpoints = append(endpoints, e)
		}
	}
	return endpoints, nil
}

// trustedOrigins returns the hosts that a hosts.toml names. The operator chose them, as those in egress.allow. Loopback hosts
// are omitted: in the file they mean the node, not Pullgate's own machine.
func trustedOrigins(list []hosts.Host) egress.Origins {
	var origins egress.Origins
	for _, h := range list {
		if !h.Named || !h.IsUsable() || egress.IsLoopback(h.Name) {
			continue
		}
		origins = append(origins, egress.OriginOf(h.Scheme, h.Name))
		if h.HTTPFallback {
			origins = append(origins, egress.OriginOf("http", h.Name))
		}
	}
	return origins
}

// connect returns the identity, header and transports of an endpoint.
func (c *Client) connect(e *endpoint, trusted egress.Origins) (*auth.Endpoint, error) {
	files, err := e.ReadTLS()
	if err != nil {
		return nil, err
	}
	dialTimeout := c.options.ConnectTimeout
	if e.DialTimeout != nil && *e.DialTimeout != 0 { // zero means no limit on the node
		dialTimeout = min(dialTimeout, *e.DialTimeout)
	}
	own := c.tlsSettings(files)
	o := egress.TransportOptions{
		Host:         e.Name,
		TLS:          own,
		OthersTLS:    c.tlsSettings(files.Authorities()),
		DialTimeout:  dialTimeout,
		HTTPFallback: e.HTTPFallback,
		Header:       e.Header,
		Trusted:      trusted,
	}
	if e.local {
		o.PlainHTTP = e.localOrigins()
	}
	transports, err := c.pool.Transports(o)
	if err != nil {
		return nil, err
	}
	id := hosts.NewFingerprint([]byte(e.namespace), []byte(e.Scheme), []byte(e.Name), []byte(e.Path), headerBytes(e.Header), []byte(own.Key))
	return &auth.Endpoint{
		ID:                   string(id[:]),
		Hosts:                []string{e.Name, e.namespace},
		Trusted:              trusted,
		Header:               e.Header,
		HasClientCertificate: files.HasKeyPairs(),
		UserAgent:            c.options.UserAgent,
		Transports:           transports,
	}, nil
}

func (c *Client) tlsSettings(files hosts.TLSFiles) egress.TLS {
	key := files.Fingerprint()
	return egress.TLS{Key: string(key[:]), Config: func() (*tls.Config, error) { return files.Config(c.options.RootCAs) }}
}

func headerBytes(header http.Header) []byte {
	var b strings.Builder
	_ = header.Write(&b) // sorted by key; a Builder never returns an error
	return []byte(b.String())
}

// blocked returns the verdict if an endpoint must not receive requests.
func (c *Client) blocked(e *endpoint) imagepull.Verdict {
	authority := egress.Authority(e.Scheme, e.Name)
	switch {
	case c.policy.Denies(authority), !e.isMirror() && c.policy.Denies(e.namespace):
		return egressForbidden("the registry is on the list of forbidden hosts")
	case c.policy.Allows(authority), c.policy.AllowsLocalhost(authority):
	case egress.IsLoopback(e.Name):
		return nodeLocalRegistry("a loopback registry is the node's own, which Pullgate cannot reach")
	case !e.Named && !e.local && egress.IsAmbiguous(e.Name):
		return nodeLocalRegistry("the registry's name has a meaning only inside the cluster or on the node")
	}
	return imagepull.Verdict{}
}

func nodeLocalRegistry(detail string) imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonNodeLocalRegistry, Detail: detail}
}

// canServe reports whether the endpoint may serve a reference. A tag needs the resolve capability, because the content behind
// it cannot be verified as that behind a digest.
func (e *endpoint) canServe(ref imagepull.Reference) bool {
	need := hosts.CapabilityPull
	if ref.Digest == "" {
		need |= hosts.CapabilityResolve
	}
	return e.Capabilities&need == need
}

// isMirror reports whether the endpoint serves another registry than its own.
func (e *endpoint) isMirror() bool { return !e.local && e.IsMirror(e.namespace) }

// prefixHost adds the endpoint's name to a verdict, if it is not the name in the image.
func (e *endpoint) prefixHost(v imagepull.Verdict) imagepull.Verdict {
	switch {
	case v.Detail == "":
	case e.local:
		v.Detail = "local registry " + e.Name + ": " + v.Detail
	case e.isMirror():
		v.Detail = "mirror " + e.Name + ": " + v.Detail
	}
	return v
}

// equal reports whether both endpoints receive the same requests and have the same trust.
func (e *endpoint) equal(other *endpoint) bool {
	return e.auth.ID == other.auth.ID && e.Capabilities == other.Capabilities && e.HTTPFallback == other.HTTPFallback &&
		e.local == other.local && slices.Equal(e.auth.Trusted, other.auth.Trusted)
}
