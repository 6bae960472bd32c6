// Package controlplane starts an API server with its etcd: a cluster without controllers and nodes.
package controlplane

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// startTimeout is more than a slow machine needs to start an API server.
const startTimeout = time.Minute

// Programs are the paths of the programs.
type Programs struct{ Etcd, APIServer string }

// ControlPlane is a running API server with its etcd.
type ControlPlane struct {
	plane *envtest.ControlPlane
	// Admin is the connection of an administrator. Kubeconfig is the path of a file with the same connection.
	Admin      *rest.Config
	Kubeconfig string
}

// Start starts the programs. They write their files below dir, and their output to log. The caller stops the control plane.
func Start(p Programs, dir string, log io.Writer) (*ControlPlane, error) {
	c := &ControlPlane{Kubeconfig: filepath.Join(dir, "admin.kubeconfig"), plane: &envtest.ControlPlane{
		Etcd: &envtest.Etcd{
			Path: p.Etcd, DataDir: filepath.Join(dir, "etcd"), Out: log, Err: log, StartTimeout: startTimeout,
		},
		APIServer: &envtest.APIServer{
			Path: p.APIServer, CertDir: filepath.Join(dir, "kube-apiserver"), Out: log, Err: log, StartTimeout: startTimeout,
		},
	}}
	// Otherwise the API server needs a default route to find its own address, and a machine without a network has none.
	c.plane.APIServer.Configure().Set("advertise-address", "127.0.0.1").Set("endpoint-reconciler-type", "none")
	for _, files := range []string{c.plane.Etcd.DataDir, c.plane.APIServer.CertDir} {
		if err := os.Mkdir(files, 0o700); err != nil {
			return nil, err
		}
	}
	if err := c.start(); err != nil {
		c.Stop() // one of the two programs may run
		return nil, err
	}
	return c, nil
}

func (c *ControlPlane) start() error {
	if err := c.plane.Start(); err != nil {
		return err
	}
	admin, err := c.plane.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		return fmt.Errorf("adding an administrator: %w", err)
	}
	kubeconfig, err := admin.KubeConfig()
	if err != nil {
		return fmt.Errorf("creating a kubeconfig: %w", err)
	}
	c.Admin = admin.Config()
	return os.WriteFile(c.Kubeconfig, kubeconfig, 0o600)
}

// Stop stops the programs and waits for their end.
func (c *ControlPlane) Stop() { _ = c.plane.Stop() }
