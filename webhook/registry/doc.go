// Package registry asks a registry whether an image could be pulled with one credential.
//
// Think of [Client.Resolve] as containerd's own pull, stopped before the first byte of content: the same requests in the
// same order (containerd: core/remotes/docker/resolver.go), so that the answer is the one a node would get. It sends HEAD
// for the manifest, answers the challenge if there is one, and reads a body only where the headers can't tell: an index
// (for its platforms), a registry without HEAD, or a 404 (for its error code).
//
// An [Inspector] goes on from there, if that is wanted: through manifest and configuration to every layer, of which it asks
// only whether it is there.
//
// Where the nodes have CRI-O its rules apply instead, as far as they differ (see runtimeRules).
//
// Where it asks is what the nodes' hosts.toml says: [LoadHosts] reads it as containerd does, and a pull goes from host to host
// until one decides. Hosts in such a file are the operators' word; whatever a host refers to is not. A registry that is local
// to the nodes is asked where the cluster says that it is. A proxy is no host of its own: what it says for itself is doubt.
//
// go-containerregistry gives the vocabulary (error codes, media types). Its remote.Head is not used: it pings first, accepts
// any content type, retries by sleeping, follows redirects without limit, and tells some answers apart by text only.
//
// Nothing that a registry chooses leaves this package but a digest, platforms and whitelisted error codes; credentials go
// to the registry's own host and to token services of the same registrable domain, or of hosts that egress.allow or
// that hosts.toml lists; to the mirrors there, and to the cluster's local registry.
package registry
