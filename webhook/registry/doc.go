// Package registry checks with one credential whether a registry would serve an image to a node.
//
//	client, err := registry.New(registry.Options{Egress: egress.Rules{DenyPrivate: true}})
//	verdict := client.Resolve(ctx, reference, credential)
//
// [Client.Resolve] sends the requests of containerd's pull, in the same order, up to the first byte of content (containerd:
// core/remotes/docker/resolver.go):
//
//	reference → endpoints (registry/hosts) → session (registry/auth) → registry/egress → net/http
//	          ← verdict ← classify ← response
//
// It sends HEAD for the manifest. It reads a body if the headers are not sufficient: an index for its platforms, a registry
// without HEAD, or a 404 for its error code. [DeepResolver] goes on from there, through manifest and configuration to every
// layer, and checks that each exists. On nodes with CRI-O its rules apply where they differ (see runtimeRules).
//
// A pull goes from host to host of the nodes' hosts.toml until one decides. The operator chooses these hosts, but not the hosts to
// which they redirect. Requests for a registry that is local to the nodes go where the cluster's ConfigMap places it. An error
// of a proxy is Indeterminate, because the proxy is not the registry.
//
// A verdict holds nothing that a registry chose but a digest, platforms and standard error codes. Credentials go to the
// registry's own host, to token services of the same registrable domain, to hosts in egress.allow or hosts.toml, and to the
// cluster's local registry.
package registry
