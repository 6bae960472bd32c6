package imagepull

import "time"

// Verdict is the predicted result of a pull on a node. The zero value is Indeterminate. Verdicts share their slices, so these
// must not be modified.
type Verdict struct {
	Reason Reason
	// Detail describes the cause in a few words. It is Pullgate's own text: it holds no secrets and no text from a registry.
	Detail string
	// Fix is the next step for the pod's author, if it differs from Reason.Fix.
	Fix string
	// Digest is the digest of the manifest or index, if the registry returned it.
	Digest string
	// Size is the length of the manifest or index in bytes as the registry states it, or zero if it is not known.
	Size int64
	// Credential is the source of the credential that was used.
	Credential string
	// Platforms are the platforms in an index. They are nil for a single manifest, which pulls on every platform, unless
	// its configuration was read: then they are its one platform.
	Platforms []Platform
	// Manifests describe the manifests of an index, in the order of Platforms. They are empty for a single manifest.
	Manifests []Descriptor
	// IsIndex distinguishes an index without any platform from a single manifest.
	IsIndex bool
	// IsSchema1 marks an unsupported manifest in the schema 1 format, which old nodes accepted.
	IsSchema1 bool
	// Transient marks a failure that may be gone a moment later, so that a retry is useful.
	Transient bool
	// Redirected marks a failure of another host, to which the registry redirected. It proves nothing about the registry.
	Redirected bool
	// LoginFailed marks a denial of the credential itself, not only of the reference. Some registries lock an account after
	// a few of them.
	LoginFailed bool
	// AnyCredential marks a failure that another credential cannot change, because it is not about access.
	AnyCredential bool
	// Confirmed marks a failure that a second request on a new connection returned as well, or that needs no request.
	Confirmed bool
	// RetryAfter is the Retry-After of the registry's response, or zero.
	RetryAfter time.Duration
	// Warnings concern an image that can be pulled.
	Warnings []Warning
	// Origin is the source of the verdict.
	Origin Origin
	// Age is the time since the request to the registry, if Origin is the cache or backoff.
	Age time.Duration
}

// Outcome returns the outcome of the verdict's reason.
func (v Verdict) Outcome() Outcome { return v.Reason.Outcome() }

// Finding is a Use with its Verdict.
type Finding struct {
	Use
	Verdict
}

// WarningReason is the cause of a warning: one word of a closed vocabulary.
type WarningReason string

// The reasons of warnings.
const (
	// WarningWrongArchitecture: the pull of a single manifest for another architecture works, but its containers fail with
	// "exec format error".
	WarningWrongArchitecture WarningReason = "WrongArchitecture"
	// WarningNotAContainerImage: the pull of a chart or artifact works, but its containers cannot start.
	WarningNotAContainerImage WarningReason = "NotAContainerImage"
	// WarningUnmountedImageVolume: the image of a volume that no container mounts cannot be pulled.
	WarningUnmountedImageVolume WarningReason = "UnmountedImageVolume"
	// WarningNotOnRegistry: every candidate node has the image, but the registry does not: a new node could not pull it.
	WarningNotOnRegistry WarningReason = "NotOnRegistry"
)

// Warning is a message about an image that can be pulled.
type Warning struct {
	Reason  WarningReason `json:"reason"`
	Message string        `json:"message"`
}
