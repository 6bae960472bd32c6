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
// without HEAD, or a 404 for its error code. [ManifestResolver] checks that a manifest of an index exists, and [DeepResolver] goes
// on from there, through manifest and configuration to every layer. On nodes with CRI-O its rules apply where they differ (see
// runtimeRules).
//
// A body is read, hashed and decoded in one step, and only the result is kept (see content). egress bounds the memory of all bodies
// together, and manifest counts the entries of a document before it decodes them. A document beyond a bound that nodes do not have
// is Indeterminate.
//
// A pull goes from host to host of the nodes' hosts.toml until one decides. The operator chooses these hosts, but not the hosts to
// which they redirect. Requests for a registry that is local to the nodes go where the cluster's ConfigMap places it. An error
// of a proxy is Indeterminate, because the proxy is not the registry.
//
// A verdict holds nothing that a registry chose but a digest, platforms and standard error codes. Credentials go to the
// registry's own host, to token services of the same owner (see auth), to hosts in hosts.toml, and to the cluster's local
// registry.
//
// # Use of go-containerregistry
//
// Its media types and error codes are used. [transport.CheckError] is not: it decodes the details of an error, which can take a
// hundred times the memory of the body. Its remote.Head and remote.Get were tried over this
// package's stack, as a *transport.Wrapper with a RoundTripper that responds to the ping itself. That adds no request, but 29
// cases of 14 tests fail, because these functions decide where a node does not:
//
//   - A missing or unusual header of HEAD is an error text. A node sends GET, or uses the digest of the reference
//     (TestIncompleteHeadersAreReplacedByTheBody, TestDigestOfTheReferenceWins).
//   - remote.Get verifies the digest and returns an error text, so that a wrong document and one over the limit are the same
//     (TestUnreadableIndexes, TestBodiesWithoutEnd).
//   - remote.Get ignores the digest header. A node uses it (TestIndexInTheBodyIsNotReadAgain).
//
// If the RoundTripper keeps the response, two cases fail. Every decision then uses the kept response and none the result of
// remote, at 127 more lines and 78 more allocations in a warm lookup. The grammar of pkg/name is not the kubelet's: of
// 86 references in the tests of podspec, it accepts 11 that the kubelet rejects, and rejects "Foo/bar". An [auth.Session] is a
// RoundTripper, so that other functions of remote, such as List, can run over it.
package registry
