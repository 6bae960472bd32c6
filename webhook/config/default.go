package config

import (
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// Default returns the configuration of an empty file, with new lists and maps for each caller.
func Default() Configuration {
	return Configuration{
		APIVersion:  APIVersion,
		Kind:        Kind,
		DefaultMode: policy.ModeWarn,
		Actions:     map[imagepull.Reason]policy.Action{},
		Retry:       Retry{InitialDelay: 50 * time.Millisecond, Factor: 2, Jitter: 0.1, MaxAttempts: 2},
		// The kubelet's own delays: a registry gets no more requests than from a node.
		Backoff: Backoff{InitialDelay: 10 * time.Second, Factor: 2, MaxDelay: 5 * time.Minute},
		// An API server waits ten seconds by default.
		Timeouts: Timeouts{
			Admission: 8 * time.Second, Request: 2500 * time.Millisecond, Connect: time.Second, Headroom: time.Second,
		},
		Cache: Cache{
			MaxEntries: 10000,
			TagTTL:     time.Minute, DigestTTL: 10 * time.Minute, NotFoundTTL: time.Second, DeniedTTL: 2 * time.Second,
		},
		// ManifestBytes is the limit of containerd.
		Limits:         Limits{PerRegistry: 8, Total: 256, UsesPerObject: 64, ManifestBytes: 4_393_216},
		Nodes:          stockNodes(),
		Egress:         Egress{Allow: []string{}, Deny: []string{}, PrivateNetworks: NetworkAllow, InsecureRegistries: []string{}},
		SkipRegistries: []string{},
	}
}

// stockNodes returns the profile of undeclared nodes. Cloud nodes can usually pull from the cloud's registries.
func stockNodes() Nodes {
	return Nodes{
		Runtime: imagepull.RuntimeContainerd,
		CredentialedRegistries: []string{
			"*.dkr.ecr.*.amazonaws.com", "*.gcr.io", "gcr.io", "*.pkg.dev", "*.azurecr.io",
		},
		Platforms: []string{},
		Watch:     true,
	}
}
