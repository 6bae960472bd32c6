package registry

import (
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/egress"
	"github.com/pullgate/pullgate/webhook/registry/hosts"
)

// readHosts returns the hosts of a namespace, and whether it is the cluster's local registry. Nodes have their own name for a
// local registry, often one of their loopback, and Pullgate reaches it at another address (KEP-1755). The nodes' own files and a
// loopback host in egress.allow override it.
func (c *Client) readHosts(namespace string) (list []hosts.Host, local bool, err error) {
	list, err = hosts.Load(c.options.HostsDir, namespace)
	if err != nil || c.options.LocalRegistry == nil || len(list) != 1 || list[0].Named {
		return list, false, err
	}
	if egress.IsLoopback(namespace) && c.policy.Allows(namespace) {
		return list, false, nil
	}
	address, ok := c.options.LocalRegistry(namespace)
	if !ok {
		return list, false, nil
	}
	return []hosts.Host{hosts.NewLocal(address)}, true, nil
}

// localOrigins returns the origins at which a local registry may receive plain HTTP. Unlike a host in a file, it is not trusted
// further: the dialler still checks its address.
func (e *endpoint) localOrigins() egress.Origins {
	return egress.Origins{egress.OriginOf("https", e.Name), egress.OriginOf("http", e.Name)}
}

// nodeLocal returns the verdict on a local registry, which only nodes may be able to reach.
func nodeLocal(v imagepull.Verdict) imagepull.Verdict {
	if v.Reason == imagepull.ReasonRegistryUnavailable {
		v.Reason = imagepull.ReasonNodeLocalRegistry
		v.Fix = "check hostFromClusterNetwork in the ConfigMap kube-public/local-registry-hosting"
	}
	return v
}
