package imagepull

// Runtime is the container runtime of the nodes. Some verdicts depend on its rules.
type Runtime string

// The runtimes. The zero value acts as RuntimeContainerd.
const (
	RuntimeContainerd Runtime = "containerd"
	RuntimeCRIO       Runtime = "cri-o"
)
