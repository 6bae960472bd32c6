// Package credentials foretells what a kubelet would show to a registry: the pull secrets of a pod become an ordered
// list of credentials for each image.
//
// Think of it as the kubelet's ring of keys. Every entry of every pull secret is a key with a pattern on its tag. For
// one image the kubelet takes all keys whose pattern fits, the most specific first, and tries each in turn; only if no
// key fits does it knock without one. A [Keyring] is that ring, a [Set] is the ring of one pod together with everything
// that went wrong while it was put together.
//
// The pod's ring is the first of three. The second belongs to the node, from its [Config], and the third is cut anew for
// each image by the node's credential [Providers], programs that the kubelet runs. A [Node] adds those two to the sets
// of pods, and [Candidates] goes through all three.
//
// A [Source] reads the secrets from the API server, [Files] takes them from files. Neither ever returns an error: a
// secret that is broken, absent, of no use to a kubelet or out of Pullgate's reach is a fact about the pod, and each
// means something else for its pulls. The same holds for a provider that fails.
//
// The rules are those of the kubelet's pkg/credentialprovider, its oddities included. They differ from the rules of
// docker and of most libraries, so they are written anew here rather than borrowed.
package credentials
