package cluster

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"
)

// Plan is the configuration that the caller, the supervisor and init share. It is passed between them as JSON.
type Plan struct {
	Dir      string `json:"dir"`
	Programs string `json:"programs"`
	Assets   string `json:"assets"`
	// Plugins is the folder of the CNI plugins.
	Plugins string `json:"plugins"`
	// CredentialProviders is the field of Options.
	CredentialProviders Providers `json:"credentialProviders"`
}

// The cluster's network. The node is on a bridge without ports. Each registry has a local address of its own.
const (
	nodeName         = "node"
	nodeIP           = "10.88.0.1"
	nodeNetwork      = "10.88.0.1/24"
	registryNetwork  = "10.90.0.0/16"
	registryIPFormat = "10.90.%d.%d"
	podNetwork       = "10.89.0.0/24"
	serviceNetwork   = "10.96.0.0/16"
	serviceIP        = "10.96.0.1"
	apiServer        = nodeIP + ":6443"
	etcdURL          = "http://127.0.0.1:2379"
)

// containerdSocket is the default path of ctr and other programs. The folder is a private one.
const containerdSocket = "/run/containerd/containerd.sock"

// sandboxImage is the image of every pod's sandbox container.
const sandboxImage = "registry.example/pause:3.10"

// ParsePlan parses the output of String.
func ParsePlan(text string) (Plan, error) {
	var p Plan
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return Plan{}, fmt.Errorf("parsing the plan: %w", err)
	}
	return p, nil
}

// String returns the plan as JSON.
func (p Plan) String() string {
	text, _ := json.Marshal(p) // strings always marshal
	return string(text)
}

// cgroup returns the name of the cluster's cgroup. It is unique for the folder.
func (p Plan) cgroup() string {
	return fmt.Sprintf("pullgate-cluster-%x", sha256.Sum256([]byte(p.Dir)))[:25]
}

// path returns a path in the cluster's folder.
func (p Plan) path(elem ...string) string {
	return filepath.Join(append([]string{p.Dir}, elem...)...)
}

// temporaryDirs returns the folders that a start creates and a stop removes. The logs stay.
func (p Plan) temporaryDirs() []string {
	return []string{
		p.path("etc"), p.path("pki"), p.path("kube"), p.path("home"), p.path("etcd"), p.path("containerd"),
		p.path("kubelet"), p.path("pods"),
	}
}
