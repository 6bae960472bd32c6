// Package controlplane starts an API server with its etcd: a cluster without controllers and nodes.
package controlplane

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// startTimeout is more than a slow machine needs to start an API server.
const startTimeout = time.Minute

// Programs are the paths of the programs.
type Programs struct{ Etcd, APIServer string }

// Start starts the programs and returns an administrator. The programs write their files below dir and their output to log. The
// caller calls stop to end them, unless Start returns an error.
func Start(p Programs, dir string, log io.Writer) (admin *envtest.AuthenticatedUser, stop func(), err error) {
	plane := &envtest.ControlPlane{
		Etcd: &envtest.Etcd{
			Path: p.Etcd, DataDir: filepath.Join(dir, "etcd"), Out: log, Err: log, StartTimeout: startTimeout,
		},
		APIServer: &envtest.APIServer{
			Path: p.APIServer, CertDir: filepath.Join(dir, "kube-apiserver"), Out: log, Err: log, StartTimeout: startTimeout,
		},
	}
	// Otherwise the API server needs a default route to find its own address, and a machine without a network has none.
	plane.APIServer.Configure().Set("advertise-address", "127.0.0.1").Set("endpoint-reconciler-type", "none")
	for _, files := range []string{plane.Etcd.DataDir, plane.APIServer.CertDir} {
		if err := os.Mkdir(files, 0o700); err != nil {
			return nil, nil, err
		}
	}
	stop = func() { _ = plane.Stop() }
	if err := plane.Start(); err != nil {
		// One of the two programs may run.
		stop()
		return nil, nil, err
	}
	admin, err = plane.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("adding an administrator: %w", err)
	}
	return admin, stop, nil
}
