package engine

import (
	"context"
	"errors"
	"log/slog"
	"time"

	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/nodes/localregistry"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// readTimeout bounds the reading of a Cluster. Without the list of nodes a verdict may be Indeterminate, so that a longer wait is
// not worth it.
const readTimeout = 5 * time.Second

// Cluster is the state of a cluster that decides how its nodes pull.
type Cluster struct {
	// Nodes selects the candidate nodes of a pod; nodes of the declared platforms when nil.
	Nodes preflight.Nodes
	// RuntimeUserAgent returns the User-Agent of the most common container runtime of the nodes, or "". It may be nil.
	RuntimeUserAgent func() string
	// LocalRegistry returns the address of a registry that nodes reach by a host of their own (KEP-1755); it may be nil.
	LocalRegistry func(host string) (address string, ok bool)
	// Reported counts the nodes by the images that they report; it may be nil.
	Reported func(nodes.Profile) nodes.Reported
}

// ReadCluster lists the nodes and reads the cluster's local registry once, within readTimeout. An error means that the nodes
// are not known; the Cluster is usable then too. A local registry that cannot be read is not an error: the verdicts on its
// images are Indeterminate, with a reason of their own.
func ReadCluster(ctx context.Context, client corev1client.CoreV1Interface, n config.Nodes, log *slog.Logger) (Cluster, error) {
	declared, err := parsePlatforms(n.Platforms)
	if err != nil || !n.Watch {
		return Cluster{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var c Cluster
	snapshot, listError := nodes.List(ctx, client.Nodes(), declared)
	if listError == nil {
		c.Nodes, c.RuntimeUserAgent = snapshot, snapshot.RuntimeUserAgent
	}
	if hosting, err := localregistry.Read(ctx, client.ConfigMaps(localregistry.Namespace), log); err == nil {
		c.LocalRegistry = hosting.Address
	}
	return c, listError
}

// Runner runs until its context ends. A manager of controller-runtime accepts it.
type Runner interface {
	Start(ctx context.Context) error
}

// Watch is a Cluster that is kept up to date by its runners.
type Watch struct {
	Cluster
	// Runners must run as long as the Cluster is used.
	Runners []Runner
	// inventory is nil if watching is turned off.
	inventory *nodes.Inventory
	synced    func() bool
}

// ClusterFor returns the Cluster with the platforms that another configuration declares.
func (w *Watch) ClusterFor(n config.Nodes) (Cluster, error) {
	c := w.Cluster
	declared, err := parsePlatforms(n.Platforms)
	if err == nil && w.inventory != nil {
		c.Nodes = w.inventory.Declaring(declared)
	}
	return c, err
}

// WatchCluster returns a Watch of the nodes and of the local registry. It has no runners if the configuration turns watching
// off.
func WatchCluster(client corev1client.CoreV1Interface, n config.Nodes, log *slog.Logger) (*Watch, error) {
	w := &Watch{synced: func() bool { return true }}
	declared, err := parsePlatforms(n.Platforms)
	if err != nil || !n.Watch {
		return w, err
	}
	inventory, err := nodes.NewInventory(client.Nodes(), declared)
	if err != nil {
		return nil, err
	}
	local, err := localregistry.NewWatcher(client.ConfigMaps(localregistry.Namespace), log)
	if err != nil {
		return nil, err
	}
	w.Cluster = Cluster{
		Nodes: inventory, RuntimeUserAgent: inventory.RuntimeUserAgent, LocalRegistry: local.Address, Reported: inventory.Reported,
	}
	w.Runners, w.inventory = []Runner{inventory, local}, inventory
	w.synced = inventory.Synced
	return w, nil
}

// Ready returns an error until the runner of the nodes has listed them, or has tried for some seconds. It does not wait for the
// local registry: until that is known, the verdicts on its images are Indeterminate.
func (w *Watch) Ready() error {
	if !w.synced() {
		return errors.New("the nodes are not known yet")
	}
	return nil
}

// parsePlatforms parses the platforms that the configuration declares.
func parsePlatforms(texts []string) ([]imagepull.Platform, error) {
	var platforms []imagepull.Platform
	for _, text := range texts {
		p, err := nodes.ParsePlatform(text)
		if err != nil {
			return nil, err
		}
		platforms = append(platforms, p)
	}
	return platforms, nil
}
