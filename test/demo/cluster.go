package main

import (
	"context"
	"fmt"

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
	plane, err := controlplane.Start(controlplane.Programs{Etcd: d.programs.etcd, APIServer: d.programs.apiServer}, d.dir, log)
	if err != nil {
		return fmt.Errorf("%w; the end of the output:\n%s", err, log)
	}
	d.onCleanUp(plane.Stop)
	d.cluster = &cluster{kubectl: newKubectl(d.programs.kubectl, d.dir, plane.Kubeconfig), admin: plane.Admin}
	return nil
}
