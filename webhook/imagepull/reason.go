package imagepull

// Outcome is the certainty of a verdict.
type Outcome uint8

const (
	// Indeterminate means that the failure may be transient, or depends on something that Pullgate cannot see. It is the
	// zero value, so that a missing verdict never denies an object and never counts as pullable.
	Indeterminate Outcome = iota
	// Pullable means that a node can pull the image.
	Pullable
	// Unpullable means that the pull fails unless something outside the node changes.
	Unpullable
)

// String returns the name of the outcome in reports, metrics and annotations.
func (o Outcome) String() string {
	switch o {
	case Pullable:
		return "Pullable"
	case Unpullable:
		return "Unpullable"
	case Indeterminate:
	}
	return "Indeterminate"
}

// MarshalText writes the outcome's name.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Reason is the cause of a verdict: one word of a closed vocabulary, safe as a metric label.
type Reason string

// The reasons, grouped by outcome. The zero value "" is Indeterminate and is never reported.
const (
	// ReasonPullable: the manifest exists, access is granted, the platform matches.
	ReasonPullable Reason = "Pullable"
	// ReasonPresentOnNode: the pull policy allows a cached image, and every candidate node has it.
	ReasonPresentOnNode Reason = "PresentOnNode"
	// ReasonNotChecked: no check is needed or configured.
	ReasonNotChecked Reason = "NotChecked"

	// ReasonInvalidImageName: the reference does not parse as the kubelet parses it.
	ReasonInvalidImageName Reason = "InvalidImageName"
	// ReasonInvalidPullSecret: an undecodable entry in a pull secret breaks every pull of the pod.
	ReasonInvalidPullSecret Reason = "InvalidPullSecret"
	// ReasonNotFound: repository, tag or digest is absent for every credential that the kubelet would try.
	ReasonNotFound Reason = "NotFound"
	// ReasonAccessDenied: the registry denies access for every credential that the kubelet would try.
	ReasonAccessDenied Reason = "AccessDenied"
	// ReasonPlatformMismatch: the index has no entry for any candidate node.
	ReasonPlatformMismatch Reason = "PlatformMismatch"
	// ReasonUnsupportedImage: the nodes' runtime cannot pull the registry's response.
	ReasonUnsupportedImage Reason = "UnsupportedImage"
	// ReasonBlobMissing: the manifest for a platform, the configuration or a layer is missing from the registry.
	ReasonBlobMissing Reason = "BlobMissing"

	// ReasonInsecureRegistry: the registry speaks plain HTTP, and the node profile does not allow that. Nothing authenticated
	// the response, and the operator of such a registry has usually configured the nodes for it.
	ReasonInsecureRegistry Reason = "InsecureRegistry"
	// ReasonNeverPresent: the pull policy is Never, and no candidate node reports the image. A node reports an image up to a
	// minute after it was loaded.
	ReasonNeverPresent Reason = "NeverPresent"
	// ReasonPullSecretMissing: access is denied, and a pull secret that the pod lists does not exist yet.
	ReasonPullSecretMissing Reason = "PullSecretMissing"
	// ReasonNotARegistry: a web page answered without a sign of the registry API: a portal, a bot wall or a firewall.
	ReasonNotARegistry Reason = "NotARegistry"
	// ReasonRegistryUnavailable: the registry sent no usable response.
	ReasonRegistryUnavailable Reason = "RegistryUnavailable"
	// ReasonRateLimited: the registry returned 429.
	ReasonRateLimited Reason = "RateLimited"
	// ReasonDeadlineExceeded: the admission budget ended first.
	ReasonDeadlineExceeded Reason = "DeadlineExceeded"
	// ReasonNodeCredentials: access is denied or unknown, but the nodes may use credentials that Pullgate cannot see.
	ReasonNodeCredentials Reason = "NodeCredentials"
	// ReasonNodeLocalRegistry: only nodes can resolve or reach the registry: a loopback host, or a short name on CRI-O.
	ReasonNodeLocalRegistry Reason = "NodeLocalRegistry"
	// ReasonNodeCache: the pull would fail, but a candidate node reports the image.
	ReasonNodeCache Reason = "NodeCache"
	// ReasonNodeCacheUnreported: the pull would fail, and no candidate node reports the image, but a node may have images
	// that it does not report.
	ReasonNodeCacheUnreported Reason = "NodeCacheUnreported"
	// ReasonSomePlatforms: the index has entries for some candidate nodes only.
	ReasonSomePlatforms Reason = "SomePlatforms"
	// ReasonEgressForbidden: Pullgate's own egress policy forbids the request.
	ReasonEgressForbidden Reason = "EgressForbidden"
	// ReasonTooManyImages: the object has more different images than Pullgate checks.
	ReasonTooManyImages Reason = "TooManyImages"
)

// Reasons returns every reason: the Pullable ones, then Unpullable, then Indeterminate.
func Reasons() []Reason {
	return []Reason{
		ReasonPullable, ReasonPresentOnNode, ReasonNotChecked,
		ReasonInvalidImageName, ReasonInvalidPullSecret, ReasonNotFound, ReasonAccessDenied, ReasonPlatformMismatch,
		ReasonUnsupportedImage, ReasonBlobMissing,
		ReasonInsecureRegistry, ReasonNeverPresent, ReasonPullSecretMissing, ReasonNotARegistry,
		ReasonRegistryUnavailable, ReasonRateLimited, ReasonDeadlineExceeded, ReasonNodeCredentials,
		ReasonNodeLocalRegistry, ReasonNodeCache, ReasonNodeCacheUnreported, ReasonSomePlatforms, ReasonEgressForbidden,
		ReasonTooManyImages,
	}
}

// Outcome returns the outcome of the reason. An unknown reason is Indeterminate.
func (r Reason) Outcome() Outcome {
	switch r {
	case ReasonPullable, ReasonPresentOnNode, ReasonNotChecked:
		return Pullable
	case ReasonInvalidImageName, ReasonInvalidPullSecret, ReasonNotFound, ReasonAccessDenied, ReasonPlatformMismatch,
		ReasonUnsupportedImage, ReasonBlobMissing:
		return Unpullable
	case ReasonInsecureRegistry, ReasonNeverPresent, ReasonPullSecretMissing, ReasonNotARegistry,
		ReasonRegistryUnavailable, ReasonRateLimited, ReasonDeadlineExceeded, ReasonNodeCredentials,
		ReasonNodeLocalRegistry, ReasonNodeCache, ReasonNodeCacheUnreported, ReasonSomePlatforms, ReasonEgressForbidden,
		ReasonTooManyImages:
		return Indeterminate
	}
	return Indeterminate
}
