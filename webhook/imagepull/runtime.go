package imagepull

// Runtime is the container runtime of the nodes, whose rules decide some verdicts. The zero value is containerd.
type Runtime string

// The runtimes.
const (
	RuntimeContainerd Runtime = "containerd"
	RuntimeCRIO       Runtime = "cri-o"
)
