package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// startTimeout is what a slow machine may need to start an API server, and more.
const startTimeout = time.Minute

// cluster is a control plane without controllers and nodes.
type cluster struct {
	kubectl kubectl
	// connection is that of an administrator.
	connection *rest.Config
}

func (s *stage) startCluster(context.Context) error {
	log := new(tail)
	plane := &envtest.ControlPlane{
		Etcd: &envtest.Etcd{
			Path: s.tools.etcd, DataDir: filepath.Join(s.dir, "etcd"), Out: log, Err: log, StartTimeout: startTimeout,
		},
		APIServer: &envtest.APIServer{
			Path: s.tools.apiServer, CertDir: filepath.Join(s.dir, "kube-apiserver"), Out: log, Err: log, StartTimeout: startTimeout,
		},
	}
	// Without these the API server looks for the address of the way out, and a laptop on a train has none.
	plane.APIServer.Configure().Set("advertise-address", "127.0.0.1").Set("endpoint-reconciler-type", "none")
	for _, dir := range []string{plane.Etcd.DataDir, plane.APIServer.CertDir} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	// What is left of a control plane that does not start is stopped too. Its files go with the directory.
	s.onClear(func() { _ = plane.Stop() })
	if err := plane.Start(); err != nil {
		return fmt.Errorf("%w; the last words:\n%s", err, log)
	}
	return s.connect(plane)
}

// connect makes an administrator, and kubectl act as such.
func (s *stage) connect(plane *envtest.ControlPlane) error {
	admin, err := plane.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		return fmt.Errorf("adding an administrator: %w", err)
	}
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
