package truth

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Scenario is one file. In the images of its pod, in the bodies of manifests and in the texts of hosts.toml files, DIGEST(x)
// stands for the digest of what was pushed as x, such as "web.example/shop/web:1", and SIZE(x) for its size in bytes.
type Scenario struct {
	// Name is the file's, with its folder and without its ending, such as "credentials/stale-secret".
	Name string `json:"-"`
	// Title says in one sentence what it is about.
	Title string `json:"title"`
	// Registries are those that the scenario's names lead to. No two scenarios have one of the same name, unless it is one
	// that is only there once, such as Docker Hub's.
	Registries []Registry `json:"registries,omitempty"`
	Node       Node       `json:"node,omitempty"`
	// Nodes are more Node objects, for nodes that no pod is bound to.
	Nodes []OtherNode `json:"nodes,omitempty"`
	// Hosting is what the cluster says of its local registry (KEP-1755), as YAML.
	Hosting string `json:"hosting,omitempty"`
	// Secrets are those of the pod's namespace, by name.
	Secrets map[string]Secret `json:"secrets,omitempty"`
	// AccountSecrets are the pull secrets that the namespace's default service account lists.
	AccountSecrets []string `json:"accountSecrets,omitempty"`
	// Before are pods of the same namespace that have pulled their images before the pod is there.
	Before []corev1.PodSpec `json:"before,omitempty"`

	// Image makes a pod with one container that has this image and the pull policy Policy.
	Image  string            `json:"image,omitempty"`
	Policy corev1.PullPolicy `json:"policy,omitempty"`
	// Pod is the pod's spec, where an image and its policy do not say it all.
	Pod *corev1.PodSpec `json:"pod,omitempty"`
	// Deployment makes a Deployment of the pod. Pullgate is asked about that, and the kubelet runs its pod.
	Deployment bool `json:"deployment,omitempty"`
	// Update changes the pod once it runs; then the update is what Pullgate is asked about.
	Update *Update `json:"update,omitempty"`
	// Recovers says that the pull succeeds after failing at first, so that the kubelet is given time for it.
	Recovers bool `json:"recovers,omitempty"`

	Pullgate Pullgate `json:"pullgate,omitempty"`
	// Expect is the reason that Pullgate gives.
	Expect imagepull.Reason `json:"expect"`
	// Doubt says why a node could go either way; it must be there where the reason is one of doubt.
	Doubt string `json:"doubt,omitempty"`
	// Miss says why Pullgate foretells a pull that fails; without it that is a mistake.
	Miss string `json:"miss,omitempty"`

	// Kubelet is what the kubelet did. Package live writes it, and it is the last in its file.
	Kubelet *Recorded `json:"kubelet,omitempty"`
}

// Registry is one of the scenario's registries.
type Registry struct {
	// Name is the host, with a port if it has one.
	Name string `json:"name"`
	// PlainHTTP, and a certificate of an authority that nobody knows.
	PlainHTTP bool `json:"plainHTTP,omitempty"`
	Stranger  bool `json:"stranger,omitempty"`
	// Untold leaves the node without a hosts.toml for the registry.
	Untold bool `json:"untold,omitempty"`
	// Down has nothing listen.
	Down bool `json:"down,omitempty"`

	// Auth is none, basic or bearer.
	Auth string `json:"auth,omitempty"`
	// Accounts are passwords by user name; each may pull everything, or what Access lists for it.
	Accounts map[string]string   `json:"accounts,omitempty"`
	Access   map[string][]string `json:"access,omitempty"`
	// The rest is that of registry.Config.
	Public          []string `json:"public,omitempty"`
	ChallengePublic bool     `json:"challengePublic,omitempty"`
	DenyStatus      int      `json:"denyStatus,omitempty"`
	RevealMissing   bool     `json:"revealMissing,omitempty"`
	Token           Token    `json:"token,omitempty"`

	// Holds is pushed in this order.
	Holds []Push `json:"holds,omitempty"`
	// Loses is deleted afterwards.
	Loses  []Loss  `json:"loses,omitempty"`
	Faults []Fault `json:"faults,omitempty"`
	Limits []Limit `json:"limits,omitempty"`
}

// Token is registry.TokenConfig, with the name of another of the scenario's registries in From.
type Token struct {
	From       string          `json:"from,omitempty"`
	Realm      string          `json:"realm,omitempty"`
	Lifetime   metav1.Duration `json:"lifetime,omitempty"`
	RefusePost int             `json:"refusePost,omitempty"`
	Omit       []string        `json:"omit,omitempty"`
}

// Push is something that a registry holds: an image, an index, or a manifest as it is written. Exactly one of the first
// three is set, to a reference without a host.
type Push struct {
	Image    string `json:"image,omitempty"`
	Index    string `json:"index,omitempty"`
	Manifest string `json:"manifest,omitempty"`

	// Platform is what an image's configuration says; linux/amd64 without one.
	Platform string `json:"platform,omitempty"`
	// Docker gives an image Docker's media types in place of OCI's.
	Docker bool `json:"docker,omitempty"`
	// Idle leaves an image without a program to run: it pulls, and cannot start. None of its layers is on a node yet.
	Idle bool `json:"idle,omitempty"`
	// Layers is how many layers an image has besides its program; one without it.
	Layers int `json:"layers,omitempty"`
	// Entries are those of an index.
	Entries []Entry `json:"entries,omitempty"`

	// MediaType and Body are those of a manifest, which Blobs go with: texts by a name of their own, where PROGRAM is a
	// gzipped layer with the program.
	MediaType string            `json:"mediaType,omitempty"`
	Body      string            `json:"body,omitempty"`
	Blobs     map[string]string `json:"blobs,omitempty"`
}

// Entry is one image of an index.
type Entry struct {
	// Platform is the one that the index gives; empty for none, and unknown/unknown for an attestation.
	Platform string `json:"platform,omitempty"`
	// OSVersion and OSFeatures go with it.
	OSVersion  string   `json:"osVersion,omitempty"`
	OSFeatures []string `json:"osFeatures,omitempty"`
	// Image is the platform in the image's own configuration; linux/amd64 without one.
	Image string `json:"image,omitempty"`
}

// Loss is something that a registry lost, one of a reference (a tag or, with DIGEST(), a manifest), the blobs of an image
// or a single blob of a repository, as "repository@digest".
type Loss struct {
	Manifest string `json:"manifest,omitempty"`
	Blobs    string `json:"blobs,omitempty"`
	Blob     string `json:"blob,omitempty"`
}

// Node is what the real node has and is told.
type Node struct {
	// Hosts are hosts.toml files by the name of their folder. Each folder has a ca.crt with the authority of the
	// scenario's registries. A registry that is not Untold has such a file anyway, unless one is given here.
	Hosts map[string]string `json:"hosts,omitempty"`
	// Config is what the node's config.json says, as in Secret.
	Config map[string]string `json:"config,omitempty"`
	// Provider is what a credential provider plugin says of the registries, as in Secret.
	Provider map[string]string `json:"provider,omitempty"`
	// Images are there before the pod, loaded from an archive.
	Images []string `json:"images,omitempty"`
}

// OtherNode is a Node object without a node. Pods of other scenarios do not tolerate its taint. It has the real node's runtime
// unless it is given another, such as containerd://1.7.27.
type OtherNode struct {
	Name     string            `json:"name"`
	Platform string            `json:"platform"`
	Runtime  string            `json:"runtime,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
	Images   []string          `json:"images,omitempty"`
	Cordoned bool              `json:"cordoned,omitempty"`
}

// Secret is a pull secret: "user:password" by registry, or else Data as it is, with its Type. It is of the type
// kubernetes.io/dockerconfigjson without one.
type Secret struct {
	Auths map[string]string `json:"auths,omitempty"`
	Type  corev1.SecretType `json:"type,omitempty"`
	Data  map[string]string `json:"data,omitempty"`
}

// Update changes a pod that runs.
type Update struct {
	// Images are new images by the names of their containers.
	Images map[string]string `json:"images,omitempty"`
	// Ephemeral is an image for a debugging container.
	Ephemeral string `json:"ephemeral,omitempty"`
	// Labels are new ones.
	Labels map[string]string `json:"labels,omitempty"`
}

// Pullgate says how Pullgate is configured where it is not told all that the node is told.
type Pullgate struct {
	// Config is laid over the configuration that names the node's hosts.toml files, its config.json and its plugins.
	Config map[string]any `json:"config,omitempty"`
	// Trusts has Pullgate's system know the authority of the scenario's registries.
	Trusts bool `json:"trusts,omitempty"`
}

// Fault is registry.Fault.
type Fault struct {
	Path         string              `json:"path,omitempty"`
	Method       string              `json:"method,omitempty"`
	AfterAuth    bool                `json:"afterAuth,omitempty"`
	Times        int                 `json:"times,omitempty"`
	Delay        metav1.Duration     `json:"delay,omitempty"`
	Hang         bool                `json:"hang,omitempty"`
	Reset        bool                `json:"reset,omitempty"`
	Redirect     string              `json:"redirect,omitempty"`
	RedirectLoop bool                `json:"redirectLoop,omitempty"`
	Status       int                 `json:"status,omitempty"`
	Body         string              `json:"body,omitempty"`
	Header       map[string][]string `json:"header,omitempty"`
	DropHeader   []string            `json:"dropHeader,omitempty"`
	Truncate     int                 `json:"truncate,omitempty"`
}

// Limit is registry.Limit.
type Limit struct {
	Repository string          `json:"repository,omitempty"`
	Method     string          `json:"method,omitempty"`
	Requests   int             `json:"requests,omitempty"`
	Per        metav1.Duration `json:"per,omitempty"`
}

// AsksWhatNodesHold reports whether it matters which images are on the node already: one may be used as it is, or a part of it
// by the deep check.
func (s *Scenario) AsksWhatNodesHold() bool {
	debugs := s.Update != nil && s.Update.Ephemeral != "" // without a policy of its own
	return debugs || s.Pullgate.Config["deep"] == true ||
		slices.ContainsFunc(s.policies(), func(p corev1.PullPolicy) bool { return p != corev1.PullAlways })
}

func (s *Scenario) policies() []corev1.PullPolicy {
	if s.Pod == nil {
		return []corev1.PullPolicy{s.Policy}
	}
	var policies []corev1.PullPolicy
	for _, c := range s.Pod.Containers {
		policies = append(policies, c.ImagePullPolicy)
	}
	return policies
}
