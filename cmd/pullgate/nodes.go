package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// nodesPatience is how long nodes are waited for. They are worth a moment and no more: without them a verdict may be a
// doubt that would have been a certainty.
const nodesPatience = 5 * time.Second

// watchNodes has the manager watch Node objects, if the configuration asks for it. A replica is not ready before it knows
// them, unless they can't be read.
func watchNodes(mgr ctrl.Manager, client nodes.Client, c config.Nodes) (preflight.Nodes, error) {
	declared, err := parsePlatforms(c.Platforms)
	if err != nil || !c.Watch {
		return nodes.Declared(declared), err
	}
	inventory, err := nodes.NewInventory(client, declared)
	if err != nil {
		return nil, err
	}
	if err := mgr.Add(inventory); err != nil {
		return nil, fmt.Errorf("watching nodes: %w", err)
	}
	if err := mgr.AddReadyzCheck("nodes", settled(inventory, time.Now().Add(nodesPatience))); err != nil {
		return nil, fmt.Errorf("adding the readiness check: %w", err)
	}
	return inventory, nil
}

// settled reports whether nodes are known, or have been waited for long enough.
func settled(inventory *nodes.Inventory, deadline time.Time) healthz.Checker {
	return func(*http.Request) error {
		if inventory.Synced() || time.Now().After(deadline) {
			return nil
		}
		return errors.New("the nodes are not known yet")
	}
}

// profile is what a cluster tells of its nodes at one moment.
type profile struct {
	nodes         preflight.Nodes
	localRegistry func(host string) (address string, ok bool)
	remarks       []string
}

// profile lists the nodes of the cluster, where one may be asked, and reads what it says of its local registry. If that fails
// it is worth a remark, and no more: whoever asks may well not be allowed to.
func (o *checkOptions) profile(ctx context.Context, c config.Nodes, log *slog.Logger) (profile, error) {
	declared, err := parsePlatforms(c.Platforms)
	p := profile{nodes: nodes.Declared(declared)}
	if err != nil || !c.Watch || o.cluster.offline || len(o.pullSecrets) > 0 {
		return p, err
	}
	config, err := restConfig(o.cluster.kubeconfig)
	if err != nil {
		return p, o.cluster.unlessUnnamed(err)
	}
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return p, fmt.Errorf("making the API client: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, nodesPatience)
	defer cancel()
	p.nodes, p.remarks = listNodes(ctx, clientset.CoreV1().Nodes(), declared)
	p.localRegistry = readLocalRegistry(ctx, clientset.CoreV1(), log)
	return p, nil
}

// unlessUnnamed returns the error of a kubeconfig that was asked for. Without one there need not be a cluster.
func (o *clusterOptions) unlessUnnamed(err error) error {
	if o.kubeconfig == "" {
		return nil
	}
	return err
}

// listNodes lists nodes, or says why what is declared of them has to do.
func listNodes(ctx context.Context, client nodes.Client, declared []imagepull.Platform) (preflight.Nodes, []string) {
	snapshot, err := nodes.List(ctx, client, declared)
	if err != nil {
		return nodes.Declared(declared), []string{unlisted(refusal(err))}
	}
	return snapshot, nil
}

func unlisted(cause string) string {
	return "the nodes are not known (" + cause + "): the images that they hold count for nothing, and their platforms only with --platform"
}

// refusal says in our own words why the API server gave no list.
func refusal(err error) string {
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return "listing them is not allowed"
	}
	return "the API server gave no answer"
}

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
