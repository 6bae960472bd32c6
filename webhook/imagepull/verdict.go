package imagepull

import "time"

// Verdict is what a node would experience, as far as Pullgate can tell. The zero value is Indeterminate. What its slices hold
// is shared between questions: nobody changes it.
type Verdict struct {
	Reason Reason
	// Detail says in a few words what happened: Pullgate's own text, free of secrets and of anything that a registry
	// could choose.
	Detail string
	// Fix says what to do about it, where the reason's own fix (see Reason.Fix) is not the best advice.
	Fix string
	// Digest is that of the manifest or index behind the reference, where the registry told it.
	Digest string
	// Credential is the source of the credential that brought the answer.
	Credential string
	// Platforms are those that an index offers. It is nil for a single manifest, which pulls on every platform; for one
	// whose configuration was read it is the one named there.
	Platforms []Platform
	// Digests are those of the manifests behind the platforms of an index, in the same order; empty for what is none.
	Digests []string
	// IsIndex tells an index without any platform from a single manifest.
	IsIndex bool
	// IsSchema1 marks what is unsupported for being of the old schema 1 format, which nodes took once.
	IsSchema1 bool
	// Transient marks a failure that may be gone a moment later, so that asking again makes sense.
	Transient bool
	// LoginFailed marks a denial that concerns the credential itself and not only the reference: some registries lock an account
	// after a few of them.
	LoginFailed bool
	// RetryAfter is how long the registry asked to be left alone; zero when it did not.
	RetryAfter time.Duration
	// Warnings are about an image that can be pulled.
	Warnings []Warning
	// Origin is where the verdict comes from.
	Origin Origin
	// Age is how long ago the registry was asked, where the verdict comes from memory.
	Age time.Duration
}

// Outcome returns the outcome of the verdict's reason.
func (v Verdict) Outcome() Outcome { return v.Reason.Outcome() }

// Finding is a Use with its Verdict.
type Finding struct {
	Use
	Verdict
}

// WarningReason is the cause of an advice: one word of a closed vocabulary.
type WarningReason string

// The advices.
const (
	// WarningPullSecretMissing: a listed pull secret does not exist; the kubelet skips it.
	WarningPullSecretMissing WarningReason = "PullSecretMissing"
	// WarningWrongArchitecture: a single manifest for another architecture pulls, then dies with "exec format error".
	WarningWrongArchitecture WarningReason = "WrongArchitecture"
	// WarningNotAContainerImage: a chart or artifact pulls, then cannot start.
	WarningNotAContainerImage WarningReason = "NotAContainerImage"
	// WarningUnmountedImageVolume: the image of a volume that nothing mounts cannot be pulled.
	WarningUnmountedImageVolume WarningReason = "UnmountedImageVolume"
)

// Warning is a non-fatal remark on an image that can be pulled.
type Warning struct {
	Reason  WarningReason `json:"reason"`
	Message string        `json:"message"`
}
