package config

import (
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// APIVersion and Kind identify the file format.
const (
	APIVersion = "pullgate.dev/v1alpha1"
	Kind       = "Configuration"
)

// Configuration holds the whole file. Its zero value is not usable; start from Default.
//
// Registries are written as host patterns: a host or IP address with an optional port, where "*" matches any characters.
// "*.registry.example" matches "a.registry.example" and "a.b.registry.example". A pattern without a port matches every port.
type Configuration struct {
	// APIVersion is the constant APIVersion.
	APIVersion string `yaml:"apiVersion"`
	// Kind is the constant Kind.
	Kind string `yaml:"kind"`
	// DefaultMode applies to namespaces that reach the webhook without the label.
	DefaultMode policy.Mode `yaml:"defaultMode"`
	// Actions override the action on a finding, one reason at a time.
	Actions map[imagepull.Reason]policy.Action `yaml:"actions"`
	// Exemptions select objects whose images are not checked.
	Exemptions Exemptions `yaml:"exemptions"`
	// Retry applies within one check.
	Retry Retry `yaml:"retry"`
	// Backoff applies between checks.
	Backoff Backoff `yaml:"backoff"`
	// Timeouts bound the time of a response.
	Timeouts Timeouts `yaml:"timeouts"`
	// Cache bounds the cached verdicts.
	Cache Cache `yaml:"cache"`
	// Limits bound the cost of one object and the load on one registry.
	Limits Limits `yaml:"limits"`
	// Nodes declares the properties of the nodes that Pullgate cannot see.
	Nodes Nodes `yaml:"nodes"`
	// Egress restricts the connections of Pullgate itself.
	Egress Egress `yaml:"egress"`
	// SkipRegistries are the host patterns of registries that Pullgate never sends requests to.
	SkipRegistries []string `yaml:"skipRegistries"`
	// Placeholders are images that a mutating webhook replaces when a pod is created, where "*" stands for any characters.
	// They are not checked in a template, or in a file.
	Placeholders []string `yaml:"placeholders"`
	// Deep adds the configuration and the layers of each image to the check, in addition to its manifest.
	Deep bool `yaml:"deep"`
}

// Exemptions select objects whose images are not checked. Each entry is compared with the whole name. One property is sufficient.
type Exemptions struct {
	// Usernames are the users whose requests are exempt, such as "system:serviceaccount:ci:deployer". The pods of a Deployment are
	// created by a controller, not by the user who created the Deployment.
	Usernames []string `yaml:"usernames"`
	// Groups are groups of users.
	Groups []string `yaml:"groups"`
	// Namespaces are the namespaces whose objects are exempt, whatever their label is.
	Namespaces []string `yaml:"namespaces"`
	// RuntimeClasses are the runtime classes of pods.
	RuntimeClasses []string `yaml:"runtimeClasses"`
	// PodSelector selects pods by their labels, in the form of kubectl's --selector. Authors of pods can then exempt them. An empty
	// selector selects none.
	PodSelector string `yaml:"podSelector"`
}

// Rules returns the exemptions of a valid configuration as rules.
func (e Exemptions) Rules() policy.Exemptions {
	rules := policy.Exemptions{Usernames: e.Usernames, Groups: e.Groups, Namespaces: e.Namespaces, RuntimeClasses: e.RuntimeClasses}
	if selector, err := labels.Parse(e.PodSelector); err == nil && !selector.Empty() {
		rules.Pods = selector
	}
	return rules
}

// Retry configures the attempts within one check, for responses that are worth a retry.
type Retry struct {
	// InitialDelay is the pause before the second attempt.
	InitialDelay time.Duration `yaml:"initialDelay"`
	// Factor multiplies the pause from one attempt to the next.
	Factor float64 `yaml:"factor"`
	// Jitter is the random share of each pause, so that replicas do not send requests in step.
	Jitter float64 `yaml:"jitter"`
	// MaxAttempts includes the first attempt.
	MaxAttempts int `yaml:"maxAttempts"`
}

// Backoff configures how long Pullgate sends no request for a reference, or to a registry, that keeps failing.
type Backoff struct {
	// InitialDelay is the delay after the first failure.
	InitialDelay time.Duration `yaml:"initialDelay"`
	// Factor multiplies the delay from one failure to the next.
	Factor float64 `yaml:"factor"`
	// MaxDelay is the longest delay.
	MaxDelay time.Duration `yaml:"maxDelay"`
}

// Timeouts are nested: a connection is part of a request, and requests are part of an admission.
type Timeouts struct {
	// Admission bounds the response to one admission request, also if the API server would wait longer.
	Admission time.Duration `yaml:"admission"`
	// Request bounds one HTTP exchange with a registry.
	Request time.Duration `yaml:"request"`
	// Connect bounds the TCP connection and, separately, the TLS handshake.
	Connect time.Duration `yaml:"connect"`
	// Headroom is subtracted from the API server's timeout, for the network between both.
	Headroom time.Duration `yaml:"headroom"`
}

// Cache bounds the number of cached verdicts and their TTLs. Verdicts of a kind with a zero TTL are not cached.
type Cache struct {
	// MaxEntries bounds the verdicts, one for each reference and credential.
	MaxEntries int `yaml:"maxEntries"`
	// TagTTL applies to an image that can be pulled by tag.
	TagTTL time.Duration `yaml:"tagTTL"`
	// DigestTTL applies to an image that can be pulled by digest.
	DigestTTL time.Duration `yaml:"digestTTL"`
	// NotFoundTTL applies to an image that cannot be pulled, for every cause but denied access. It is at most one second.
	NotFoundTTL time.Duration `yaml:"notFoundTTL"`
	// DeniedTTL applies to denied access. It is at most two seconds.
	DeniedTTL time.Duration `yaml:"deniedTTL"`
}

// Limits bound the cost of checks: the number of concurrent lookups, and the size of objects and manifests.
type Limits struct {
	// PerRegistry bounds the lookups at one registry.
	PerRegistry int `yaml:"perRegistry"`
	// Total bounds the lookups at all registries.
	Total int `yaml:"total"`
	// UsesPerObject bounds the different images of one object that are checked.
	UsesPerObject int `yaml:"usesPerObject"`
	// ManifestBytes is the size of the largest manifest that the nodes accept. The runtime's own limit still applies.
	ManifestBytes int64 `yaml:"manifestBytes"`
}

// Nodes is the node profile. Its default is a stock node: it has no mirrors, and no credentials of its own except for the
// registries of the large clouds.
type Nodes struct {
	// Runtime pulls the images.
	Runtime imagepull.Runtime `yaml:"runtime"`
	// LocalImagePull declares that containerd pulls with its CRI plugin, as before version 2.1, and not with its transfer
	// service. This is so with use_local_image_pull, or with a setting that implies it, such as discard_unpacked_layers.
	LocalImagePull bool `yaml:"localImagePull"`
	// HostsDir is a directory with the nodes' hosts.toml files, laid out as containerd's config_path: one directory for each
	// registry, or "_default". CRI-O has none.
	HostsDir string `yaml:"hostsDir"`
	// DockerConfig is a file with the nodes' config.json. It is read for each pod.
	DockerConfig string `yaml:"dockerConfig"`
	// CredentialProvider configures the kubelet's exec plugins, which Pullgate then runs itself.
	CredentialProvider CredentialProvider `yaml:"credentialProvider"`
	// CredentialedRegistries are the host patterns of registries for which nodes hold credentials that Pullgate cannot
	// see. Denied access at such a registry proves nothing.
	CredentialedRegistries []string `yaml:"credentialedRegistries"`
	// Platforms are the platforms of the nodes, as "os/architecture[/variant]". They override the Node objects; the pod's
	// selectors still apply. If the list is empty, the platforms are read from the Node objects.
	Platforms []string `yaml:"platforms"`
	// Watch enables the watch of Node objects for platforms and cached images, and of the cluster's declaration of a local
	// registry. Without it no image counts as cached, only declared platforms count, and no local registry is known.
	Watch bool `yaml:"watch"`
	// MaxReportedImages is the kubelets' nodeStatusMaxImages: a node that reports so many images may have more. With -1 every
	// node reports all of its images.
	MaxReportedImages int `yaml:"maxReportedImages"`
	// VerifyImages is the kubelets' imagePullCredentialsVerificationPolicy.
	VerifyImages imagepull.VerifyImages `yaml:"verifyImages"`
}

// CredentialProvider holds the two flags of the kubelet that configure its exec plugins. Set both or none.
type CredentialProvider struct {
	// Config is the value of --image-credential-provider-config.
	Config string `yaml:"config"`
	// BinDir is the value of --image-credential-provider-bin-dir.
	BinDir string `yaml:"binDir"`
}

// NetworkAccess allows or denies connections to a kind of network.
type NetworkAccess string

// The values of NetworkAccess.
const (
	NetworkAllow NetworkAccess = "allow"
	NetworkDeny  NetworkAccess = "deny"
)

// Egress restricts Pullgate's own connections. Its entries are host patterns or networks in CIDR notation.
type Egress struct {
	// Allow are targets that may be reached. A name may have private addresses; a loopback, link-local or metadata address
	// must be listed itself.
	Allow []string `yaml:"allow"`
	// Deny are targets that Pullgate never connects to, even if Allow has them. "*" stands for all hosts that Allow does not have.
	Deny []string `yaml:"deny"`
	// PrivateNetworks applies to addresses that cannot be reached from the Internet.
	PrivateNetworks NetworkAccess `yaml:"privateNetworks"`
	// InsecureRegistries are the host patterns of registries that nodes reach over plain HTTP.
	InsecureRegistries []string `yaml:"insecureRegistries"`
	// TokenServices are hosts that may receive the credentials of registries of another owner.
	TokenServices []TokenService `yaml:"tokenServices"`
}

// TokenService lets a host receive the credentials of registries.
type TokenService struct {
	// Registry is the host pattern of the registries.
	Registry string `yaml:"registry"`
	// Host is the token service, with a port if it is not 443.
	Host string `yaml:"host"`
}
