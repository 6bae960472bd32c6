package registry

import (
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/hosts"
)

// hostsOf returns where a node asks for a namespace's images, and whether it is the cluster's local registry: one that nodes
// know by a name, often of their own loopback, which means nothing here, and that Pullgate reaches by another address
// (KEP-1755). What the nodes' own files say of its host comes first, and so does a loopback host in egress.allow.
func (c *Client) hostsOf(namespace string) (list []hosts.Host, local bool, err error) {
	list, err = hosts.Load(c.options.HostsDir, namespace)
	if err != nil || c.options.LocalRegistry == nil || len(list) != 1 || list[0].Named {
		return list, false, err
	}
	if isLoopbackHost(namespace) && c.guard.allows(namespace) {
		return list, false, nil
	}
	address, ok := c.options.LocalRegistry(namespace)
	if !ok {
		return list, false, nil
	}
	return []hosts.Host{hosts.NewLocal(address)}, true, nil
}

// localOrigins are those where a local registry may be spoken to in plain HTTP. Unlike hosts in a file it is not trusted
// further: the dialler still looks at the address.
func (h *endpoint) localOrigins() origins {
	return origins{originOf("https", h.Name), originOf("http", h.Name)}
}

// outOfReach is the verdict on a local registry that only the nodes can reach, it seems.
func (e *endpoint) outOfReach(v imagepull.Verdict) imagepull.Verdict {
	if v.Reason == imagepull.ReasonRegistryUnavailable {
		v.Reason = imagepull.ReasonNodeLocalRegistry
		v.Fix = "check hostFromClusterNetwork in the ConfigMap kube-public/local-registry-hosting"
	}
	return v
}
