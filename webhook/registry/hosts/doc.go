// Package hosts reads the certs.d tree of the nodes: which hosts serve the images of a registry, and how a node connects to
// them.
//
//	list, err := hosts.Load("/etc/containerd/certs.d", "docker.io")
//	// list[0] is the host to which a node sends its first request.
//
// It follows containerd (containerd: core/remotes/docker/config/hosts.go). The input is a directory and the registry's name in
// a reference, which containerd calls the namespace. The output is a list of [Host] in the order of the node.
package hosts
