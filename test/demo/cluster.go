package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"

	"github.com/pullgate/pullgate/test/controlplane"
)

// cluster is a control plane without controllers and nodes.
type cluster struct {
	kubectl kubectl
	// connection is that of an administrator.
	connection *rest.Config
}

func (s *stage) startCluster(context.Context) error {
	log := new(tail)
	admin, stop, err := controlplane.Start(controlplane.Programs{Etcd: s.tools.etcd, APIServer: s.tools.apiServer}, s.dir, log)
	if err != nil {
		return fmt.Errorf("%w; the last words:\n%s", err, log)
	}
	s.onClear(stop)
	kubeconfig, err := admin.KubeConfig()
	if err != nil {
		return fmt.Errorf("making a kubeconfig: %w", err)
	}
	file := filepath.Join(s.dir, "admin.kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		return err
	}
	s.cluster = &cluster{kubectl: newKubectl(s.tools.kubectl, s.dir, file), connection: admin.Config()}
	return nil
}
