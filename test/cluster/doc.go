// Package cluster runs a real Kubernetes cluster of one node on one Linux machine, without containers around it, images
// or a network: etcd, the control plane, kube-proxy, kubelet and containerd, all built from Go modules. What a node says
// about an image that Pullgate would deny can then be read off a node.
//
// Think of three processes inside one another. The caller of [Up] starts the warden, who stays outside, holds what
// belongs to the machine (a lock, cgroups, a few empty folders) and gives it back at the end. The warden starts the
// keeper, who is process 1 of a PID namespace and has a network and a mount namespace to itself: there it keeps a name
// server, registries and the programs of Kubernetes. Whatever runs in there, pods included, is gone when the keeper is,
// for the kernel ends a PID namespace with its process 1; mounts and network devices go the same way. And the keeper
// goes when the warden goes, and the warden when the caller does, however that happens. Only when the warden is killed
// outright do cgroups and folders stay behind, without a process in them, until the next [Up] or [Down].
//
// Nothing in there reaches anything outside: the one bridge has no port. A caller reaches in by [Cluster.Dial],
// [Cluster.Start] and [Cluster.Serve].
package cluster
