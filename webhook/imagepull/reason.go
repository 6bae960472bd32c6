package imagepull

// Outcome says how sure a verdict is.
type Outcome uint8

const (
	// Indeterminate is doubt: the cause may pass by itself, or depends on something that Pullgate can't see.
	// It is the zero value, so that a forgotten verdict never admits or denies anything by itself.
	Indeterminate Outcome = iota
	// Pullable means that a node can pull the image.
	Pullable
	// Unpullable means that the pull fails unless something outside the node changes.
	Unpullable
)

// String returns the outcome's name as it appears in reports, metrics and annotations.
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

// Every reason, by its outcome. The zero value "" is Indeterminate and never reported.
const (
	// ReasonPullable: the manifest answers, access is given, the platform fits.
	ReasonPullable Reason = "Pullable"
	// ReasonPresentOnNode: the policy allows a cached image, and every candidate node holds it.
	ReasonPresentOnNode Reason = "PresentOnNode"
	// ReasonNotChecked: nothing to foretell.
	ReasonNotChecked Reason = "NotChecked"

	// ReasonInvalidImageName: the reference does not parse as the kubelet parses it.
	ReasonInvalidImageName Reason = "InvalidImageName"
	// ReasonInvalidPullSecret: an undecodable entry in a pull secret breaks every pull of the pod.
	ReasonInvalidPullSecret Reason = "InvalidPullSecret"
	// ReasonNotFound: repository, tag or digest is absent for every credential that the kubelet would try.
	ReasonNotFound Reason = "NotFound"
	// ReasonAccessDenied: every credential that the kubelet would try is refused.
	ReasonAccessDenied Reason = "AccessDenied"
	// ReasonPlatformMismatch: an index without an entry for any candidate node.
	ReasonPlatformMismatch Reason = "PlatformMismatch"
	// ReasonUnsupportedImage: the answer is nothing that the nodes' runtime can pull.
	ReasonUnsupportedImage Reason = "UnsupportedImage"
	// ReasonInsecureRegistry: the registry speaks plain HTTP, and the nodes do not allow that.
	ReasonInsecureRegistry Reason = "InsecureRegistry"
	// ReasonBlobMissing: a part of the image is not there: the manifest for a platform, the configuration or a layer.
	ReasonBlobMissing Reason = "BlobMissing"
	// ReasonNeverPresent: the policy is Never, and the candidate nodes are known not to hold the image.
	ReasonNeverPresent Reason = "NeverPresent"

	// ReasonRegistryUnavailable: the registry gave no usable answer.
	ReasonRegistryUnavailable Reason = "RegistryUnavailable"
	// ReasonRateLimited: the registry answered 429.
	ReasonRateLimited Reason = "RateLimited"
	// ReasonDeadlineExceeded: the admission budget ended first.
	ReasonDeadlineExceeded Reason = "DeadlineExceeded"
	// ReasonNodeCredentials: denied, or unknown, to Pullgate, but the nodes may use credentials that it can't see.
	ReasonNodeCredentials Reason = "NodeCredentials"
	// ReasonNodeLocalRegistry: only the node knows or reaches the registry, as with a loopback host or a short name on CRI-O.
	ReasonNodeLocalRegistry Reason = "NodeLocalRegistry"
	// ReasonNodeCache: the pull would fail, but a candidate node may already hold the image.
	ReasonNodeCache Reason = "NodeCache"
	// ReasonSomePlatforms: the index serves some candidate nodes and not others.
	ReasonSomePlatforms Reason = "SomePlatforms"
	// ReasonEgressForbidden: Pullgate's own egress policy forbids asking.
	ReasonEgressForbidden Reason = "EgressForbidden"
)

// Reasons returns the whole vocabulary, in the order of the outcomes Pullable, Unpullable, Indeterminate.
func Reasons() []Reason {
	return []Reason{
		ReasonPullable, ReasonPresentOnNode, ReasonNotChecked,
		ReasonInvalidImageName, ReasonInvalidPullSecret, ReasonNotFound, ReasonAccessDenied, ReasonPlatformMismatch,
		ReasonUnsupportedImage, ReasonInsecureRegistry, ReasonBlobMissing, ReasonNeverPresent,
		ReasonRegistryUnavailable, ReasonRateLimited, ReasonDeadlineExceeded, ReasonNodeCredentials,
		ReasonNodeLocalRegistry, ReasonNodeCache, ReasonSomePlatforms, ReasonEgressForbidden,
	}
}

// Outcome returns the one outcome of the reason; a word outside the vocabulary is Indeterminate.
func (r Reason) Outcome() Outcome {
	switch r {
	case ReasonPullable, ReasonPresentOnNode, ReasonNotChecked:
		return Pullable
	case ReasonInvalidImageName, ReasonInvalidPullSecret, ReasonNotFound, ReasonAccessDenied, ReasonPlatformMismatch,
		ReasonUnsupportedImage, ReasonInsecureRegistry, ReasonBlobMissing, ReasonNeverPresent:
		return Unpullable
	case ReasonRegistryUnavailable, ReasonRateLimited, ReasonDeadlineExceeded, ReasonNodeCredentials,
		ReasonNodeLocalRegistry, ReasonNodeCache, ReasonSomePlatforms, ReasonEgressForbidden:
		return Indeterminate
	}
	return Indeterminate
}
