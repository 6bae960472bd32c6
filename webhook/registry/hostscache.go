package registry

import (
	"slices"
	"time"
)

const (
	// hostsTTL is how long a change of a certs.d tree may go unnoticed. Reading it costs a few system calls, and does not depend
	// on how the tree is mounted: a ConfigMap changes by a symbolic link.
	hostsTTL = time.Second
	// maxNamespaces bounds the cache of endpoints. Pod authors choose the names of registries.
	maxNamespaces = 1024
)

// hostsEntry holds the endpoints of one namespace, as read last from the nodes' files and the cluster.
type hostsEntry struct {
	endpoints []*endpoint
	// err is the error of the last read. The endpoints then come from the read before.
	err error
	// since is when the endpoints changed; zero if they never did.
	since time.Time
}

// RoutedSince returns when the endpoints of a registry changed; zero if no change is known. A verdict from before that time may
// be wrong. Changes are noticed within a second.
func (c *Client) RoutedSince(namespace string) time.Time {
	if c.options.HostsDir == "" && c.options.LocalRegistry == nil {
		return time.Time{}
	}
	return c.hostsEntry(namespace).since
}

// endpoints returns the endpoints of a namespace, in the order of the node.
func (c *Client) endpoints(namespace string) ([]*endpoint, error) {
	entry := c.hostsEntry(namespace)
	return entry.endpoints, entry.err
}

func (c *Client) hostsEntry(namespace string) hostsEntry {
	if entry, ok := c.hosts.Get(namespace); ok {
		return entry
	}
	now := c.options.Clock.Now()
	before, known := c.hosts.GetStale(namespace)
	entry := hostsEntry{since: before.since}
	entry.endpoints, entry.err = c.readEndpoints(namespace)
	switch {
	case entry.err != nil:
		entry.endpoints = before.endpoints
	case known && !slices.EqualFunc(entry.endpoints, before.endpoints, (*endpoint).equal):
		entry.since = now
	}
	c.hosts.Put(namespace, entry, now.Add(hostsTTL))
	return entry
}
