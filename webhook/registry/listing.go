package registry

import (
	"slices"
	"time"
)

const (
	// hostsMemory is how long a change of a certs.d tree may go unnoticed. Reading anew each time costs a few system calls,
	// and asks nothing of how the tree is mounted: a ConfigMap is changed by turning a symbolic link.
	hostsMemory = time.Second
	// maxNamespaces bounds what is remembered of registries; whoever may create pods chooses their names.
	maxNamespaces = 1024
)

// listing is what the nodes' files, and the cluster, said last of one namespace.
type listing struct {
	endpoints []*endpoint
	// err is why that could not be read. Then the endpoints are those from before.
	err  error
	read time.Time
	// since is when the endpoints were first found to be other ones than before; zero if they never were.
	since time.Time
}

// RoutedSince returns since when a registry's images are asked for where they are now: what was found out before may no
// longer be so. It is zero if nothing is known to have changed. A change is noticed within a second.
func (c *Client) RoutedSince(namespace string) time.Time {
	if c.options.HostsDir == "" && c.options.LocalRegistry == nil {
		return time.Time{}
	}
	return c.listing(namespace).since
}

func (c *Client) listing(namespace string) listing {
	now := c.options.Clock.Now()
	before, known := c.listings.Get(namespace)
	if known && now.Sub(before.read) < hostsMemory {
		return before
	}
	l := listing{read: now, since: before.since}
	l.endpoints, l.err = c.readEndpoints(namespace)
	switch {
	case l.err != nil:
		l.endpoints = before.endpoints
	case known && !slices.EqualFunc(l.endpoints, before.endpoints, (*endpoint).isLike):
		l.since = now
	}
	c.listings.Add(namespace, l)
	return l
}

// isLike reports whether the other one would be asked the same, and be believed as much.
func (e *endpoint) isLike(other *endpoint) bool {
	return e.id == other.id && e.Capabilities == other.Capabilities && e.HTTPFallback == other.HTTPFallback &&
		e.local == other.local && slices.Equal(e.named, other.named)
}
