package config

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// APIVersion and Kind identify the file format.
const (
	APIVersion = "pullgate.dev/v1alpha1"
	Kind       = "Configuration"
)

// Configuration is the whole file. Its zero value is not usable; start from Default.
//
// Registries are written as host patterns: a host or IP address with an optional port, where "*" stands for any characters.
// "*.registry.example" is "a.registry.example" and "a.b.registry.example" too. Without a port it is the host on every port.
type Configuration struct {
	// APIVersion is the constant of that name.
	APIVersion string `json:"apiVersion"`
	// Kind is the constant of that name.
	Kind string `json:"kind"`
	// DefaultMode is for namespaces that reach the webhook without the label.
	DefaultMode policy.Mode `json:"defaultMode"`
	// Actions override what becomes of a finding, one reason at a time.
	Actions map[imagepull.Reason]policy.Action `json:"actions"`
	// Retry is within one question.
	Retry Retry `json:"retry"`
	// Backoff is between questions.
	Backoff Backoff `json:"backoff"`
	// Timeouts bound the time that an answer may take.
	Timeouts Timeouts `json:"timeouts"`
	// Cache is the memory of answers.
	Cache Cache `json:"cache"`
	// Limits bound what one object or one registry can cost.
	Limits Limits `json:"limits"`
	// Nodes is what Pullgate can't see of the nodes.
	Nodes Nodes `json:"nodes"`
	// Egress is where Pullgate itself may connect to.
	Egress Egress `json:"egress"`
	// SkipRegistries are the host patterns of registries that are never asked.
	SkipRegistries []string `json:"skipRegistries"`
	// Deep asks for the configuration and the layers of each image too, not for its manifest alone.
	Deep bool `json:"deep"`
	// Suggestions asks for the nearest existing tag when one is not found.
	Suggestions bool `json:"suggestions"`
}

// Retry says how often a registry is asked again within one question, where its answer makes that worthwhile.
type Retry struct {
	// InitialDelay is the pause before the second attempt.
	InitialDelay metav1.Duration `json:"initialDelay"`
	// Factor multiplies the pause from one attempt to the next.
	Factor float64 `json:"factor"`
	// Jitter is the share of each pause that is left to chance, so that replicas do not ask in step.
	Jitter float64 `json:"jitter"`
	// MaxAttempts counts the first attempt too.
	MaxAttempts int `json:"maxAttempts"`
}

// Backoff says how long a reference or a registry that keeps failing is left alone.
type Backoff struct {
	// InitialDelay is the rest after the first failure.
	InitialDelay metav1.Duration `json:"initialDelay"`
	// Factor multiplies the rest from one failure to the next.
	Factor float64 `json:"factor"`
	// MaxDelay is the longest rest.
	MaxDelay metav1.Duration `json:"maxDelay"`
}

// Timeouts are nested: a connection is part of a request, and requests are part of an admission.
type Timeouts struct {
	// Admission bounds the answer to one admission request, whatever the API server would wait.
	Admission metav1.Duration `json:"admission"`
	// Request bounds one HTTP exchange with a registry.
	Request metav1.Duration `json:"request"`
	// Connect bounds the TCP connection and, separately, the TLS handshake.
	Connect metav1.Duration `json:"connect"`
	// Headroom is kept back from what the API server would wait, for the way there and back.
	Headroom metav1.Duration `json:"headroom"`
}

// Cache says how many answers are remembered and for how long each kind of answer holds at most; zero means not at all.
type Cache struct {
	// MaxEntries bounds the answers, one for each reference and credential.
	MaxEntries int `json:"maxEntries"`
	// TagTTL is for an image that can be pulled by tag.
	TagTTL metav1.Duration `json:"tagTTL"`
	// DigestTTL is for an image that can be pulled by digest.
	DigestTTL metav1.Duration `json:"digestTTL"`
	// NotFoundTTL is for an image that can't be pulled, whatever the cause but refused access.
	NotFoundTTL metav1.Duration `json:"notFoundTTL"`
	// DeniedTTL is for refused access. It is the time, too, in which a credential may fail for a few images only.
	DeniedTTL metav1.Duration `json:"deniedTTL"`
}

// Limits are counts of things at once, except where they say otherwise.
type Limits struct {
	// PerRegistry bounds the questions to one registry.
	PerRegistry int `json:"perRegistry"`
	// Total bounds the questions to all registries.
	Total int `json:"total"`
	// UsesPerObject bounds the images of one object that are checked.
	UsesPerObject int `json:"usesPerObject"`
	// ManifestBytes is the largest manifest that the nodes accept, up to what their runtime does.
	ManifestBytes int64 `json:"manifestBytes"`
}

// Nodes is the node profile. Its default is a stock node: no mirrors, and no credentials of its own except for the
// registries of the large clouds.
type Nodes struct {
	// Runtime pulls the images.
	Runtime imagepull.Runtime `json:"runtime"`
	// LocalImagePull says that containerd pulls by its CRI plugin, as before version 2.1, and not by its transfer service:
	// use_local_image_pull is set, or what implies it, such as discard_unpacked_layers.
	LocalImagePull bool `json:"localImagePull"`
	// HostsDir is a directory with the nodes' hosts.toml files, laid out as containerd's config_path: one directory a
	// registry, or "_default". CRI-O has none.
	HostsDir string `json:"hostsDir"`
	// DockerConfig is a file with the nodes' config.json. It is read whenever a pod is looked at.
	DockerConfig string `json:"dockerConfig"`
	// CredentialProvider is the kubelet's exec plugins, which Pullgate then runs itself.
	CredentialProvider CredentialProvider `json:"credentialProvider"`
	// CredentialedRegistries are the host patterns of registries for which nodes hold credentials that Pullgate can't
	// see, so that a refusal there proves nothing.
	CredentialedRegistries []string `json:"credentialedRegistries"`
	// Platforms are those of the nodes, as "os/architecture[/variant]". They overrule what Node objects say; what selectors
	// of a pod leave of them counts. Empty means: read them off the Node objects.
	Platforms []string `json:"platforms"`
	// Watch asks to read Node objects for platforms and cached images, and where the cluster says that its local registry
	// is. Without it nodes hold no image, platforms count only where they are declared, and no local registry is known.
	Watch bool `json:"watch"`
}

// CredentialProvider names the two flags of the kubelet that configure its exec plugins. Both are set or none.
type CredentialProvider struct {
	// Config is the value of --image-credential-provider-config.
	Config string `json:"config"`
	// BinDir is the value of --image-credential-provider-bin-dir.
	BinDir string `json:"binDir"`
}

// NetworkAccess says whether a kind of network may be connected to.
type NetworkAccess string

// The two answers.
const (
	NetworkAllow NetworkAccess = "allow"
	NetworkDeny  NetworkAccess = "deny"
)

// Egress guards Pullgate's own connections. Its entries are host patterns or networks in CIDR notation.
type Egress struct {
	// Allow are targets that may be reached even where they are loopback, link-local, private or named by Deny; they may
	// serve tokens for other registries too.
	Allow []string `json:"allow"`
	// Deny are targets that are never asked. With "*" only those in Allow are left.
	Deny []string `json:"deny"`
	// PrivateNetworks is about addresses that are not reachable from the Internet.
	PrivateNetworks NetworkAccess `json:"privateNetworks"`
	// InsecureRegistries are the host patterns of registries that nodes talk plain HTTP to.
	InsecureRegistries []string `json:"insecureRegistries"`
}
