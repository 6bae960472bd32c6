// Package controlplane starts an API server and its etcd: a cluster without controllers and nodes.
package controlplane

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// startTimeout is what a slow machine may need to start an API server, and more.
const startTimeout = time.Minute

// Programs are the paths of what runs.
type Programs struct{ Etcd, APIServer string }

// Start starts the programs, which keep their files below dir and say what they have to say to log, and returns an
// administrator. Stop ends them; where they don't start, there is nothing to stop.
func Start(p Programs, dir string, log io.Writer) (admin *envtest.AuthenticatedUser, stop func(), err error) {
	plane := &envtest.ControlPlane{
		Etcd: &envtest.Etcd{
			Path: p.Etcd, DataDir: filepath.Join(dir, "etcd"), Out: log, Err: log, StartTimeout: startTimeout,
		},
		APIServer: &envtest.APIServer{
			Path: p.APIServer, CertDir: filepath.Join(dir, "kube-apiserver"), Out: log, Err: log, StartTimeout: startTimeout,
		},
	}
	// Without these the API server looks for the address of the way out, and a laptop on a train has none.
	plane.APIServer.Configure().Set("advertise-address", "127.0.0.1").Set("endpoint-reconciler-type", "none")
	for _, files := range []string{plane.Etcd.DataDir, plane.APIServer.CertDir} {
		if err := os.Mkdir(files, 0o700); err != nil {
			return nil, nil, err
		}
	}
	stop = func() { _ = plane.Stop() }
	if err := plane.Start(); err != nil {
		// One of the two may run.
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
