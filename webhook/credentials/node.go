package credentials

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// nodePrefix begins the source of every credential that belongs to nodes.
const nodePrefix = "node/"

// IsOfNode reports whether the source of a credential is the node rather than the pod.
func IsOfNode(source string) bool { return strings.HasPrefix(source, nodePrefix) }

// Pods tells what a pod brings along for its pulls. Source and Files do.
type Pods interface {
	Credentials(ctx context.Context, pod imagepull.Pod, fresh bool) Set
}

var (
	_ Pods = (*Source)(nil)
	_ Pods = Files(nil)
	_ Pods = Node{}
)

// Node adds to what a pod brings along what its node has. Without Config and Providers that is nothing.
type Node struct {
	// Pods is required.
	Pods Pods
	// Config is the nodes' config.json.
	Config *Config
	// Providers are the kubelet's exec plugins.
	Providers *Providers
}

// Credentials returns the set of the pod with that of its node.
func (n Node) Credentials(ctx context.Context, pod imagepull.Pod, fresh bool) Set {
	set := n.Pods.Credentials(ctx, pod, fresh)
	set.node.config, set.node.unknown = n.Config.keyring(ctx)
	set.node.providers = n.Providers
	return set
}

// nodeSet is what a kubelet has for every pod of its node.
type nodeSet struct {
	config Keyring
	// unknown is what is wrong with the config.json.
	unknown   []Problem
	providers *Providers
}

func (s nodeSet) equal(other nodeSet) bool {
	return s.config.equal(other.config) && slices.Equal(s.unknown, other.unknown) && s.providers == other.providers
}

// halfOf returns a context with half of the time that is left.
func halfOf(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, limited := ctx.Deadline()
	if !limited {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(deadline)/2)
}
