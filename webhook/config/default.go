package config

import (
	"slices"
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
		Exemptions: Exemptions{
			Usernames: []string{}, Groups: []string{}, Namespaces: []string{}, RuntimeClasses: []string{},
		},
		Retry: Retry{InitialDelay: 50 * time.Millisecond, Factor: 2, Jitter: 0.1, MaxAttempts: 2},
		// The kubelet's own delays, up to 30 s instead of 5 min: a registry that responds again is used soon.
		Backoff: Backoff{InitialDelay: 10 * time.Second, Factor: 2, MaxDelay: 30 * time.Second},
		// An API server waits ten seconds by default.
		Timeouts: Timeouts{
			Admission: 8 * time.Second, Request: 2500 * time.Millisecond, Connect: time.Second, Headroom: time.Second,
		},
		Cache: Cache{
			MaxEntries: 10000,
			TagTTL:     time.Minute, DigestTTL: 10 * time.Minute, NotFoundTTL: time.Second, DeniedTTL: 2 * time.Second,
		},
		// ManifestBytes is the limit of containerd.
		Limits: Limits{PerRegistry: 8, Total: 256, UsesPerObject: 64, ManifestBytes: 4_393_216},
		Nodes:  stockNodes(),
		Egress: Egress{
			Allow: []string{}, Deny: []string{}, PrivateNetworks: NetworkAllow,
			InsecureRegistries: []string{}, TokenServices: []TokenService{},
		},
		SkipRegistries: []string{},
		Placeholders:   []string{},
	}
}

// stockNodes returns the profile of undeclared nodes.
func stockNodes() Nodes {
	return Nodes{
		Runtime:                imagepull.RuntimeContainerd,
		CredentialedRegistries: cloudRegistries(),
		Platforms:              []string{},
		Watch:                  true,
		MaxReportedImages:      50, // kubelet: pkg/kubelet/apis/config/v1beta1/defaults.go
		VerifyImages:           imagepull.NeverVerifyPreloadedImages,
	}
}

// cloudRegistries returns the private registries for which the nodes of a cloud have an identity. Public ones, such as
// public.ecr.aws and mcr.microsoft.com, are not among them: a refusal there is certain.
func cloudRegistries() []string {
	return slices.Concat(
		// Amazon ECR: IPv4 hosts, then dual-stack hosts, each with FIPS (awslabs/amazon-eks-ami:
		// nodeadm/internal/kubelet/image-credential-provider.template.json).
		[]string{"*.dkr.ecr.*.amazonaws.com", "*.dkr.ecr-fips.*.amazonaws.com", "*.dkr-ecr.*.on.aws", "*.dkr-ecr-fips.*.on.aws"},
		// Amazon ECR in China (the same file).
		[]string{"*.dkr.ecr.*.amazonaws.com.cn", "*.dkr-ecr.*.on.amazonwebservices.com.cn"},
		// Amazon ECR in isolated regions (the same file), and its hosts with FIPS (bottlerocket-os/bottlerocket).
		[]string{"*.dkr.ecr.*.c2s.ic.gov", "*.dkr.ecr.*.sc2s.sgov.gov", "*.dkr.ecr.*.cloud.adc-e.uk", "*.dkr.ecr.*.csp.hci.ic.gov"},
		[]string{"*.dkr.ecr-fips.*.c2s.ic.gov", "*.dkr.ecr-fips.*.sc2s.sgov.gov"},
		[]string{"*.dkr.ecr-fips.*.cloud.adc-e.uk", "*.dkr.ecr-fips.*.csp.hci.ic.gov"},
		// Amazon ECR in the European Sovereign Cloud (aws-sdk-go-v2: internal/endpoints/awsrulesfn/partitions.json).
		[]string{"*.dkr.ecr.*.amazonaws.eu"},
		// Google Container Registry and Artifact Registry (cloud-provider-gcp: cmd/auth-provider-gcp).
		[]string{"container.cloud.google.com", "gcr.io", "*.gcr.io", "*.pkg.dev"},
		// Azure Container Registry (cloud-provider-azure: pkg/credentialprovider).
		[]string{"*.azurecr.io", "*.azurecr.cn", "*.azurecr.de", "*.azurecr.us"},
		// Yandex Container Registry (yandex.cloud/docs/container-registry).
		[]string{"cr.yandex"},
	)
}
