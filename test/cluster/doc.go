// Package cluster runs a real Kubernetes cluster of one node on one Linux machine: etcd, the control plane,
// kube-proxy, kubelet and containerd, all built from Go modules. It uses no containers around them, no images from
// elsewhere and no external network. Tests compare Pullgate's verdicts with this node.
//
// A cluster has three processes, each the parent of the next:
//
//	caller of Up → supervisor (outside) → init (PID 1, inside) → name server, registries, programs of Kubernetes
//
// The supervisor holds the resources of the machine: a lock, cgroups and a few empty folders. It releases them at the
// end. Init runs in PID, network and mount namespaces of its own. When init exits, the kernel ends all processes in
// its PID namespace, including pods, and removes the mounts and network devices. Init exits with the supervisor, and
// the supervisor exits with the caller, even if one of them is killed. Only after a killed supervisor do cgroups and
// folders remain, without a process, until the next [Up] or [Down].
//
// The cluster's network has no route to the outside: its bridge has no port. The caller connects with [Cluster.Dial],
// [Cluster.Start] and [Cluster.Serve].
//
//	c, err := cluster.Up(ctx, cluster.Options{})
//	config, err := c.Config()
//	err = c.Down(ctx)
package cluster
