package main

import (
	"context"
	"fmt"
	"log/slog"

	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/nodes/localregistry"
)

// watchLocalRegistry has the manager watch what the cluster says of its local registry, unless the configuration is against
// watching. Nobody waits for it: until it is known, its images are in doubt.
func watchLocalRegistry(
	mgr ctrl.Manager, client corev1client.ConfigMapsGetter, c config.Nodes, log *slog.Logger,
) (at func(host string) (string, bool), err error) {
	if !c.Watch {
		return at, nil
	}
	local, err := localregistry.NewWatcher(client.ConfigMaps(localregistry.Namespace), log)
	if err != nil {
		return nil, err
	}
	if err := mgr.Add(local); err != nil {
		return nil, fmt.Errorf("watching the local registry: %w", err)
	}
	return local.Address, nil
}

// readLocalRegistry reads it once. Where it can't be read its images are in doubt, which then says enough.
func readLocalRegistry(ctx context.Context, client corev1client.ConfigMapsGetter, log *slog.Logger) func(host string) (string, bool) {
	hosting, err := localregistry.Read(ctx, client.ConfigMaps(localregistry.Namespace), log)
	if err != nil {
		return nil
	}
	return hosting.Address
}
