package cluster

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed templates
var templates embed.FS

// values are the fields of the templates.
type values struct {
	Plan
	Cgroup, NodeIP, PodNetwork, Socket, Sandbox string
}

// files maps paths in the cluster's folder to templates.
func files() map[string]string {
	return map[string]string{
		"etc/containerd.toml":        "containerd.toml",
		"etc/kubelet.yaml":           "kubelet.yaml",
		"etc/cni/10-bridge.conflist": "bridge.conflist",
		"etc/resolv.conf":            "resolv.conf",
	}
}

// writeFiles writes the configuration files of the node.
func (p Plan) writeFiles() error {
	all, err := template.ParseFS(templates, "templates/*")
	if err != nil {
		return fmt.Errorf("parsing the templates: %w", err)
	}
	v := values{
		Plan: p, Cgroup: p.cgroup(), NodeIP: nodeIP, PodNetwork: podNetwork, Socket: containerdSocket, Sandbox: sandboxImage,
	}
	for path, name := range files() {
		var text bytes.Buffer
		if err := all.ExecuteTemplate(&text, name, v); err != nil {
			return fmt.Errorf("executing the template %s: %w", name, err)
		}
		if err := writeFile(p.path(path), text.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// writeFile creates the file and its folder.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("creating a folder: %w", err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("writing a file: %w", err)
	}
	return nil
}

// makeDirs creates the folders that no other step creates.
func (p Plan) makeDirs() error {
	for _, dir := range append(p.temporaryDirs(), p.path("logs"), p.hostsDir()) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("creating a folder: %w", err)
		}
	}
	return nil
}

// prepare writes all files that init and its programs read.
func (p Plan) prepare() error {
	if err := p.makeDirs(); err != nil {
		return err
	}
	if err := p.writeFiles(); err != nil {
		return err
	}
	return p.writeKeys()
}

// remove removes all files except the logs and the lock.
func (p Plan) remove() error {
	var errs []error
	for _, dir := range p.temporaryDirs() {
		if err := os.RemoveAll(filepath.Clean(dir)); err != nil {
			errs = append(errs, fmt.Errorf("removing files: %w", err))
		}
	}
	return errors.Join(errs...)
}
