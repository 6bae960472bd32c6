package truth

import (
	"encoding/json"
	"fmt"
	"maps"
)

// Profile contains the paths of the node's configuration files.
type Profile struct {
	// HostsDir is the tree of hosts.toml files. DockerConfig is the node's config.json.
	HostsDir, DockerConfig string
	// ProviderConfig and ProviderBin are the configuration and the directory of the credential provider plugins.
	ProviderConfig, ProviderBin string
}

// Config returns Pullgate's configuration: the paths of the profile, merged with the scenario's configuration. Lists
// replace lists.
func (p Profile) Config(s *Scenario) ([]byte, error) {
	// As the kubelet of test/cluster is configured.
	nodes := map[string]any{"hostsDir": p.HostsDir, "maxReportedImages": -1}
	if p.DockerConfig != "" {
		nodes["dockerConfig"] = p.DockerConfig
	}
	if p.ProviderConfig != "" {
		nodes["credentialProvider"] = map[string]any{"config": p.ProviderConfig, "binDir": p.ProviderBin}
	}
	config := overlay(map[string]any{
		"apiVersion": "pullgate.dev/v1alpha1", "kind": "Configuration", "nodes": nodes,
	}, s.Pullgate.Config)
	data, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("%s: encoding the configuration: %w", s.Name, err)
	}
	return data, nil
}

func overlay(base, over map[string]any) map[string]any {
	out := maps.Clone(base)
	for key, value := range over {
		below, isMap := value.(map[string]any)
		if old, wasMap := out[key].(map[string]any); isMap && wasMap {
			out[key] = overlay(old, below)
			continue
		}
		out[key] = value
	}
	return out
}
