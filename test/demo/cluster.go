package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"

	"github.com/pullgate/pullgate/test/controlplane"
	"github.com/pullgate/pullgate/test/process"
)

// cluster is a control plane without controllers and nodes.
type cluster struct {
	kubectl kubectl
	// admin is the connection of an administrator.
	admin *rest.Config
}

func (d *demo) startCluster(context.Context) error {
	log := new(process.Tail)
	admin, stop, err := controlplane.Start(controlplane.Programs{Etcd: d.programs.etcd, APIServer: d.programs.apiServer}, d.dir, log)
	if err != nil {
		return fmt.Errorf("%w; the end of the output:\n%s", err, log)
	}
	d.onCleanUp(stop)
	kubeconfig, err := admin.KubeConfig()
	if err != nil {
		return fmt.Errorf("making a kubeconfig: %w", err)
	}
	file := filepath.Join(d.dir, "admin.kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		return err
	}
	d.cluster = &cluster{kubectl: newKubectl(d.programs.kubectl, d.dir, file), admin: admin.Config()}
	return nil
}
