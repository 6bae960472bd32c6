package config

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// Default returns the configuration of an empty file. Its lists and maps are the caller's own.
func Default() Configuration {
	return Configuration{
		APIVersion:  APIVersion,
		Kind:        Kind,
		DefaultMode: policy.ModeWarn,
		Actions:     map[imagepull.Reason]policy.Action{},
		Retry:       Retry{InitialDelay: milliseconds(50), Factor: 2, Jitter: 0.1, MaxAttempts: 2},
		// The kubelet's own rhythm, so that a registry is not asked more often than a node would ask it.
		Backoff: Backoff{InitialDelay: seconds(10), Factor: 2, MaxDelay: seconds(300)},
		// Within the ten seconds that an API server waits unless told otherwise.
		Timeouts: Timeouts{
			Admission: seconds(8), Request: milliseconds(2500), Connect: seconds(1), Headroom: seconds(1),
		},
		Cache: Cache{
			MaxEntries: 10000,
			TagTTL:     seconds(60), DigestTTL: seconds(600), NotFoundTTL: seconds(10), DeniedTTL: seconds(30),
		},
		// containerd accepts manifests up to this many bytes.
		Limits:         Limits{PerRegistry: 8, Total: 256, UsesPerObject: 64, ManifestBytes: 4_393_216},
		Nodes:          stockNodes(),
		Egress:         Egress{Allow: []string{}, Deny: []string{}, PrivateNetworks: NetworkAllow, InsecureRegistries: []string{}},
		SkipRegistries: []string{},
		Suggestions:    true,
	}
}

// stockNodes returns the profile of nodes that nobody declared: those of a cloud can usually pull from its registries.
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

func milliseconds(n int64) metav1.Duration {
	return metav1.Duration{Duration: time.Duration(n) * time.Millisecond}
}

func seconds(n int64) metav1.Duration {
	return metav1.Duration{Duration: time.Duration(n) * time.Second}
}
