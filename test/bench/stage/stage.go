package stage

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/client-go/kubernetes"

	"github.com/pullgate/pullgate/test/controlplane"
	"github.com/pullgate/pullgate/test/registry"
)

// Stage is the environment of a benchmark. Clear ends everything in it.
type Stage struct {
	dir, certDir, caFile, kubeconfig string

	ca     *registry.CA
	cores  cores
	client kubernetes.Interface
	clear  []func()
}

// Set creates a stage. On an error it ends what it has started.
func Set(ctx context.Context, assets string) (*Stage, error) {
	s := &Stage{}
	if err := s.set(ctx, assets); err != nil {
		s.Clear()
		return nil, err
	}
	return s, nil
}

func (s *Stage) set(ctx context.Context, assets string) (err error) {
	if s.cores, err = splitCores(); err != nil {
		return err
	}
	if err := s.cores.confine(); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "pullgate-bench-"); err != nil {
		return err
	}
	s.OnClear(func() { _ = os.RemoveAll(s.dir) })
	if err := s.certify(); err != nil {
		return err
	}
	if err := s.startCluster(assets); err != nil {
		return err
	}
	return s.populate(ctx)
}

// Clear ends everything on the stage, in reverse order.
func (s *Stage) Clear() {
	for _, end := range slices.Backward(s.clear) {
		end()
	}
	s.clear = nil
}

// OnClear registers a function that Clear calls.
func (s *Stage) OnClear(end func()) { s.clear = append(s.clear, end) }

// certify creates the CA of all servers, and a certificate for the webhooks.
func (s *Stage) certify() error {
	var err error
	if s.ca, err = registry.NewCA(); err != nil {
		return err
	}
	s.caFile, s.certDir = filepath.Join(s.dir, "ca.crt"), filepath.Join(s.dir, "certs")
	cert, key, err := s.ca.CertificatePEM()
	if err != nil {
		return err
	}
	if err := os.Mkdir(s.certDir, 0o700); err != nil {
		return err
	}
	for file, data := range map[string][]byte{
		s.caFile:                            s.ca.PEM(),
		filepath.Join(s.certDir, "tls.crt"): cert,
		filepath.Join(s.certDir, "tls.key"): key,
	} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// ClientTLS returns the configuration of a client that trusts the webhooks.
func (s *Stage) ClientTLS() *tls.Config {
	return &tls.Config{RootCAs: s.ca.Pool(), MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
}

// File writes a file in the stage's folder and returns its path. Clear removes it.
func (s *Stage) File(name, content string) (string, error) {
	path := filepath.Join(s.dir, name)
	return path, os.WriteFile(path, []byte(content), 0o600)
}

// startCluster starts a control plane without controllers. The stage and its programs use the administrator's
// credentials.
func (s *Stage) startCluster(assets string) error {
	programs := controlplane.Programs{Etcd: filepath.Join(assets, "etcd"), APIServer: filepath.Join(assets, "kube-apiserver")}
	plane, err := controlplane.Start(programs, s.dir, io.Discard)
	if err != nil {
		return fmt.Errorf("starting the API server of %s: %w", assets, err)
	}
	s.OnClear(plane.Stop)
	s.kubeconfig = plane.Kubeconfig
	plane.Admin.QPS = -1
	s.client, err = kubernetes.NewForConfig(plane.Admin)
	return err
}
