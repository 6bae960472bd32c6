package imagepull

import "strings"

// Kind is the place in a pod where an image is used.
type Kind uint8

const (
	// Standalone is an image without an object, as given to the command line. It is the zero value.
	Standalone Kind = iota
	// Container is an ordinary container.
	Container
	// InitContainer is an init container, including restartable ones (sidecars).
	InitContainer
	// EphemeralContainer is a debugging container that is added to a running pod.
	EphemeralContainer
	// Volume is an image volume.
	Volume
)

// String returns the name of the kind in messages.
func (k Kind) String() string {
	switch k {
	case Container:
		return "container"
	case InitContainer:
		return "init container"
	case EphemeralContainer:
		return "ephemeral container"
	case Volume:
		return "volume"
	case Standalone:
	}
	return "image"
}

// PullPolicy controls when the kubelet pulls, with the values of the Kubernetes API.
type PullPolicy string

// The pull policies of the Kubernetes API.
const (
	PullAlways       PullPolicy = "Always"
	PullIfNotPresent PullPolicy = "IfNotPresent"
	PullNever        PullPolicy = "Never"
)

// Use is one image reference in one place of one object.
type Use struct {
	// Path is the path of the reference in its object, such as "spec.initContainers[1].image", or "image" for a standalone
	// image.
	Path string
	Kind Kind
	// Name is the name of the container or volume, or "" for a standalone image.
	Name string
	// Image is the reference as written. It has no user name and password: they are masked in an image that does not parse.
	Image string
	// Reference is the image as the kubelet parses it, or zero if it does not parse.
	Reference Reference
	// ParseError describes the mistake in the image in a few words, or is "" if the image parses.
	ParseError string
	// PullPolicy is the policy after the API server's defaulting.
	PullPolicy PullPolicy
	// Unmounted marks an image volume that no container mounts. Its pull may fail without an effect on the containers
	// (kubelet: pkg/kubelet/kuberuntime/kuberuntime_manager.go, getImageVolumes).
	Unmounted bool
	// Injected marks the image of a container that Istio's mutating webhook replaces.
	Injected bool
}

// IsShort reports whether the image is written without its registry. The kubelet and containerd then use Docker Hub; CRI-O uses
// its registries.conf (containers/image: pkg/sysregistriesv2/shortnames.go, parseUnnormalizedShortName).
func (u Use) IsShort() bool {
	host, _, ok := strings.Cut(u.Image, "/")
	return !ok || host != "localhost" && !strings.ContainsAny(host, ".:") || strings.Contains(host, "_")
}

// Pod holds the fields of one pod that decide its pulls.
type Pod struct {
	Namespace string
	Uses      []Use
	// PullSecrets are the names of the pull secrets that the pod itself lists, in its order.
	PullSecrets []string
	// ServiceAccount is set for a template that lists no pull secrets: the API server will copy the account's pull secrets
	// into its pods. It is empty for a pod, which already lists them.
	ServiceAccount string
	// BeforeAdmission marks a template, or a pod in a file. Mutating webhooks have not run yet, and may replace its images.
	BeforeAdmission bool
}

// Reference is an image reference, normalised as in the kubelet and in containerd.
type Reference struct {
	// Domain is the registry's host with its port as written, such as "docker.io" or "registry.example:5000".
	Domain string
	// Path is the repository within the registry, such as "library/nginx".
	Path string
	// Tag is empty if the reference has a digest.
	Tag string
	// Digest has the form "sha256:…". It is empty if the tag decides.
	Digest string
}

// Repository returns domain and path. Pull secrets are matched against it.
func (r Reference) Repository() string { return r.Domain + "/" + r.Path }

// Object returns the last part of the manifest's URL: the digest, or the tag without one.
func (r Reference) Object() string {
	if r.Digest != "" {
		return r.Digest
	}
	return r.Tag
}

// String returns the reference in full, such as "docker.io/library/nginx:latest".
func (r Reference) String() string {
	if r.Digest != "" {
		return r.Repository() + "@" + r.Digest
	}
	return r.Repository() + ":" + r.Tag
}

// Platform is the platform of an image or a node. Empty fields are unknown.
type Platform struct {
	OS, Architecture, Variant, OSVersion string
	OSFeatures                           []string
}

// String returns the platform as "os/architecture[/variant]".
func (p Platform) String() string {
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}
