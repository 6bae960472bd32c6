package imagepull

import "strings"

// Kind is the place in a pod where an image is used.
type Kind uint8

const (
	// Bare is an image without an object around it, as given to the command line. It is the zero value.
	Bare Kind = iota
	// Container is an ordinary container.
	Container
	// InitContainer is an init container, restartable (a sidecar) or not.
	InitContainer
	// EphemeralContainer is a debugging container, added to a running pod.
	EphemeralContainer
	// Volume is an image volume.
	Volume
)

// String returns the kind as messages name it.
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
	case Bare:
	}
	return "image"
}

// PullPolicy is when the kubelet pulls. Its values are those of the Kubernetes API.
type PullPolicy string

// The pull policies of the Kubernetes API.
const (
	PullAlways       PullPolicy = "Always"
	PullIfNotPresent PullPolicy = "IfNotPresent"
	PullNever        PullPolicy = "Never"
)

// Use is one image reference in one place of one object.
type Use struct {
	// Path leads to the reference from the root of its object, such as "spec.initContainers[1].image".
	// That of a bare image is "image".
	Path string
	Kind Kind
	// Name is that of the container or volume; a bare image has none.
	Name string
	// Image is the reference as written.
	Image string
	// Reference is the image as the kubelet parses it; zero when it does not parse.
	Reference Reference
	// ParseError says in a few words why the image does not parse; empty when it does.
	ParseError string
	// PullPolicy is the one that holds after the API server's defaulting.
	PullPolicy PullPolicy
	// Unmounted marks an image volume that no container mounts: its failing pull keeps nothing from running
	// (kubelet: pkg/kubelet/kuberuntime/kuberuntime_manager.go, getImageVolumes).
	Unmounted bool
}

// IsShort reports whether the image is written without its registry. Docker Hub is then what the kubelet and containerd
// mean, while CRI-O asks its registries.conf (containers/image: pkg/sysregistriesv2/shortnames.go, parseUnnormalizedShortName).
func (u Use) IsShort() bool {
	host, _, ok := strings.Cut(u.Image, "/")
	return !ok || host != "localhost" && !strings.ContainsAny(host, ".:") || strings.Contains(host, "_")
}

// Pod is all that decides the pulls of one pod.
type Pod struct {
	Namespace string
	Uses      []Use
	// PullSecrets are the names of the pull secrets that the pod itself lists, in its order.
	PullSecrets []string
	// ServiceAccount is set for a template that lists no pull secrets: the API server will copy those of this account
	// into its pods. In a stored pod they are already listed, so there it is empty.
	ServiceAccount string
}

// Reference is an image reference, normalised as the kubelet and containerd normalise it.
type Reference struct {
	// Domain is the registry's host with its port as written, such as "docker.io" or "registry.example:5000".
	Domain string
	// Path is the repository within the registry, such as "library/nginx".
	Path string
	// Tag is empty when a digest decides.
	Tag string
	// Digest has the form "sha256:…"; empty when the tag decides.
	Digest string
}

// Repository returns domain and path, which is what pull secrets are matched against.
func (r Reference) Repository() string { return r.Domain + "/" + r.Path }

// Object returns what the registry is asked for: the digest, or else the tag.
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

// Platform is what an image was built for or a node runs. Empty fields are unknown.
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
