package cluster

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed templates
var templates embed.FS

// values are what the templates leave open.
type values struct {
	Plan
	Cgroup, NodeIP, PodNetwork, Socket, Sandbox string
}

// files are the templates, by where in the cluster's folder their text goes.
func files() map[string]string {
	return map[string]string{
		"etc/containerd.toml":        "containerd.toml",
		"etc/kubelet.yaml":           "kubelet.yaml",
		"etc/cni/10-bridge.conflist": "bridge.conflist",
		"etc/resolv.conf":            "resolv.conf",
	}
}

// writeFiles writes the configuration of the node.
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
			return fmt.Errorf("filling in %s: %w", name, err)
		}
		if err := writeFile(p.path(path), text.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes the file and makes its folder.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("writing a file: %w", err)
	}
	return nil
}

// makeDirs makes the folders that are not made on the way.
func (p Plan) makeDirs() error {
	for _, dir := range append(p.passing(), p.path("logs"), p.hostsDir()) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making a folder: %w", err)
		}
	}
	return nil
}
