package main

import (
	"context"
	"fmt"
	"log/slog"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/engine"
)

// clusterInfo is the state of the cluster's nodes, and the warnings about failures to read it.
type clusterInfo struct {
	engine.Cluster
	warnings []string
}

// clusterInfo reads the state of the cluster's nodes, if the command uses a cluster. A failure to list nodes is a warning only:
// many users may not list nodes.
func (o *checkOptions) clusterInfo(ctx context.Context, c config.Nodes, log *slog.Logger) (clusterInfo, error) {
	if !c.Watch || o.cluster.offline || len(o.pullSecrets) > 0 {
		return clusterInfo{}, nil
	}
	config, err := restConfig(o.cluster.kubeconfig)
	if err != nil && o.cluster.kubeconfig == "" {
		return clusterInfo{}, nil // without --kubeconfig no cluster is required
	}
	if err != nil {
		return clusterInfo{}, err
	}
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return clusterInfo{}, fmt.Errorf("making the API client: %w", err)
	}
	cluster, err := engine.ReadCluster(ctx, clientset.CoreV1(), c, log)
	info := clusterInfo{Cluster: cluster}
	if err != nil {
		info.warnings = []string{unknownNodes(err)}
	}
	return info, nil
}

// unknownNodes returns the warning about nodes that cannot be listed. It does not hold the text of the error.
func unknownNodes(err error) string {
	cause := "the API server did not return them"
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		cause = "listing them is not allowed"
	}
	return "the nodes are not known (" + cause + "): their images are not considered, and their platforms only with --platform"
}
