package cluster

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"
)

// Plan is what the caller, the warden and the keeper agree upon. It travels between them as JSON.
type Plan struct {
	Dir      string `json:"dir"`
	Programs string `json:"programs"`
	Assets   string `json:"assets"`
	// Plugins is the folder of the CNI plugins.
	Plugins string `json:"plugins"`
	// CredentialProviders are those of Options.
	CredentialProviders Providers `json:"credentialProviders"`
}

// The network inside. The node is on a bridge without ports; registries have addresses of their own, all of them local.
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

// containerdSocket is where ctr and others look for it. The folder is a private one.
const containerdSocket = "/run/containerd/containerd.sock"

// sandboxImage is what every pod's first container runs.
const sandboxImage = "registry.example/pause:3.10"

// ParsePlan reads what String wrote.
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

// cgroup is the name of the cluster's cgroup. Clusters in different folders do not share one.
func (p Plan) cgroup() string {
	return fmt.Sprintf("pullgate-cluster-%x", sha256.Sum256([]byte(p.Dir)))[:25]
}

// path returns a path in the cluster's folder.
func (p Plan) path(elem ...string) string {
	return filepath.Join(append([]string{p.Dir}, elem...)...)
}

// passing are the folders in the cluster's folder that are made when it comes up and removed when it goes down. Logs stay.
func (p Plan) passing() []string {
	return []string{
		p.path("etc"), p.path("pki"), p.path("kube"), p.path("home"), p.path("etcd"), p.path("containerd"),
		p.path("kubelet"), p.path("pods"),
	}
}
