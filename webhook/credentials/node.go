package credentials

import (
	"context"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// nodePrefix starts the source of every credential that belongs to nodes.
const nodePrefix = "node/"

// PluginSource returns the source of the credentials of a credential provider.
func PluginSource(provider string) string { return nodePrefix + "plugin/" + provider }

// IsOfNode reports whether the source of a credential is the node rather than the pod.
func IsOfNode(source string) bool { return strings.HasPrefix(source, nodePrefix) }

// Source returns the credentials of pods.
type Source interface {
	// Credentials returns the set of a pod. Parts of it may come from a cache.
	Credentials(ctx context.Context, pod imagepull.Pod) Set
	// FreshCredentials returns the set of a pod without using a cache.
	FreshCredentials(ctx context.Context, pod imagepull.Pod) Set
}

// Provider returns the credentials that the node has for one image (kubelet: pkg/credentialprovider/provider.go,
// DockerConfigProvider).
type Provider interface {
	// Provide returns the credentials for a repository such as "docker.io/library/nginx". The problems are the causes why
	// the kubelet may have more credentials than the keyring.
	Provide(ctx context.Context, repository string) (Keyring, []Problem)
}

var _ Source = Node{}

// Node adds the credentials of the node to a pod's set.
type Node struct {
	// Source is required.
	Source Source
	// DockerConfig is the nodes' config.json. It may be nil.
	DockerConfig *DockerConfigFile
	// Providers runs the kubelet's exec plugins. It may be nil.
	Providers Provider
}

// Credentials implements Source. The config.json is never cached.
func (n Node) Credentials(ctx context.Context, pod imagepull.Pod) Set {
	return n.extend(ctx, n.Source.Credentials(ctx, pod))
}

// FreshCredentials implements Source. The responses of providers may still come from a cache, as in the kubelet.
func (n Node) FreshCredentials(ctx context.Context, pod imagepull.Pod) Set {
	return n.extend(ctx, n.Source.FreshCredentials(ctx, pod))
}

func (n Node) extend(ctx context.Context, set Set) Set {
	set.node.dockerConfig, set.node.problems = n.DockerConfig.load(ctx)
	set.node.providers = n.Providers
	return set
}

// nodeSet holds the credentials that a kubelet has for every pod of its node.
type nodeSet struct {
	dockerConfig Keyring
	// problems are the problems of the config.json.
	problems  []Problem
	providers Provider
}
