package truth

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Scenario is the content of one file. Four kinds of text may contain DIGEST(x), SIZE(x) and DATA(x): images of the
// pod, bodies of manifests, paths of faults and hosts.toml files. They stand for the digest, the size in bytes and the
// base64 form of the content pushed as x, such as "web.example/shop/web:1".
type Scenario struct {
	// Name is the file's path below scenarios without its extension, such as "credentials/stale-secret".
	Name string `json:"-"`
	// Title describes the scenario in one sentence.
	Title string `json:"title"`
	// Registries are the registries of the scenario. Their names are unique among all scenarios, except for names
	// that exist only once, such as Docker Hub's.
	Registries []Registry `json:"registries,omitempty"`
	Node       Node       `json:"node,omitempty"`
	// Nodes are further Node objects. No pod is bound to them.
	Nodes []OtherNode `json:"nodes,omitempty"`
	// Hosting is the cluster's description of its local registry (KEP-1755), as YAML.
	Hosting string `json:"hosting,omitempty"`
	// Secrets are the secrets of the pod's namespace, by name.
	Secrets map[string]Secret `json:"secrets,omitempty"`
	// AccountSecrets are the pull secrets of the namespace's default service account.
	AccountSecrets []string `json:"accountSecrets,omitempty"`
	// Before are pods of the same namespace that pull their images before the scenario's pod is created.
	Before []corev1.PodSpec `json:"before,omitempty"`
	// Earlier are pods that Pullgate checks before the scenario's pod, with the same caches. They are never created.
	Earlier []corev1.PodSpec `json:"earlier,omitempty"`

	// Image creates a pod with one container that has this image and the pull policy Policy.
	Image  string            `json:"image,omitempty"`
	Policy corev1.PullPolicy `json:"policy,omitempty"`
	// Pod is the pod's spec, if an image and a policy are not enough.
	Pod *corev1.PodSpec `json:"pod,omitempty"`
	// Deployment creates a Deployment of the pod. Pullgate checks the Deployment, and the kubelet runs its pod.
	Deployment bool `json:"deployment,omitempty"`
	// Update changes the running pod. Pullgate then checks the update.
	Update *Update `json:"update,omitempty"`
	// Recovers means that the pull first fails and later succeeds, so the test waits longer.
	Recovers bool `json:"recovers,omitempty"`

	Pullgate Pullgate `json:"pullgate,omitempty"`
	// Expect is the reason that Pullgate should return.
	Expect imagepull.Reason `json:"expect"`
	// Indeterminate explains why a node could succeed or fail. It is required if Expect is an indeterminate reason.
	Indeterminate string `json:"indeterminate,omitempty"`
	// Miss explains why Pullgate predicts success for a pull that fails. Without it, such a result is an error.
	Miss string `json:"miss,omitempty"`

	// Kubelet is the result on the kubelet. Package live writes it at the end of the file.
	Kubelet *Recorded `json:"kubelet,omitempty"`
}

// Registry is a registry of the scenario.
type Registry struct {
	// Name is the host, with a port if it is not the default one.
	Name string `json:"name"`
	// PlainHTTP turns TLS off. Untrusted gives the registry a certificate of an unknown CA.
	PlainHTTP bool `json:"plainHTTP,omitempty"`
	Untrusted bool `json:"untrusted,omitempty"`
	// NoHosts leaves out the node's hosts.toml for the registry.
	NoHosts bool `json:"noHosts,omitempty"`
	// SeenBy restricts the name to one of two views of DNS. For the other one, the name leads to another registry of the
	// scenario with the same name, or to no registry.
	SeenBy View `json:"seenBy,omitempty"`
	// Down stops the registry.
	Down bool `json:"down,omitempty"`

	// Auth is one of none, basic and bearer.
	Auth string `json:"auth,omitempty"`
	// Accounts maps usernames to passwords. An account may pull the repositories that Access lists for it, or else
	// all.
	Accounts map[string]string   `json:"accounts,omitempty"`
	Access   map[string][]string `json:"access,omitempty"`
	// Closes are accounts that are closed after Pullgate's checks of Earlier.
	Closes []string `json:"closes,omitempty"`
	// The remaining fields have the meaning of registry.Config.
	Public          []string `json:"public,omitempty"`
	ChallengePublic bool     `json:"challengePublic,omitempty"`
	DenyStatus      int      `json:"denyStatus,omitempty"`
	RevealMissing   bool     `json:"revealMissing,omitempty"`
	Token           Token    `json:"token,omitempty"`

	// Holds is the content, pushed in this order.
	Holds []Push `json:"holds,omitempty"`
	// Loses is content that is deleted afterwards.
	Loses  []Loss  `json:"loses,omitempty"`
	Faults []Fault `json:"faults,omitempty"`
	Limits []Limit `json:"limits,omitempty"`
}

// Token is registry.TokenConfig. From is the name of another registry of the scenario.
type Token struct {
	From       string          `json:"from,omitempty"`
	Realm      string          `json:"realm,omitempty"`
	Lifetime   metav1.Duration `json:"lifetime,omitempty"`
	RefusePost int             `json:"refusePost,omitempty"`
	Omit       []string        `json:"omit,omitempty"`
}

// Push is content of a registry: an image, an index or a raw manifest. Exactly one of the first three fields is set,
// to a reference without a host.
type Push struct {
	Image    string `json:"image,omitempty"`
	Index    string `json:"index,omitempty"`
	Manifest string `json:"manifest,omitempty"`

	// Platform is the platform in an image's configuration. The default is linux/amd64.
	Platform string `json:"platform,omitempty"`
	// Docker uses Docker's media types for an image in place of OCI's.
	Docker bool `json:"docker,omitempty"`
	// Idle creates an image without a program: a node can pull it, but not start it. No node has one of its layers
	// yet.
	Idle bool `json:"idle,omitempty"`
	// Layers is the number of layers in addition to the program. The default is one.
	Layers int `json:"layers,omitempty"`
	// Entries are the entries of an index.
	Entries []Entry `json:"entries,omitempty"`

	// MediaType and Body belong to a raw manifest. Blobs are its blobs: texts by names of their own. The text PROGRAM
	// stands for a gzipped layer with the program.
	MediaType string            `json:"mediaType,omitempty"`
	Body      string            `json:"body,omitempty"`
	Blobs     map[string]string `json:"blobs,omitempty"`
}

// Entry is an entry of an index.
type Entry struct {
	// Platform is the platform in the index. Empty means none, and unknown/unknown means an attestation.
	Platform string `json:"platform,omitempty"`
	// OSVersion and OSFeatures belong to Platform.
	OSVersion  string   `json:"osVersion,omitempty"`
	OSFeatures []string `json:"osFeatures,omitempty"`
	// Image is the platform in the image's own configuration. The default is linux/amd64.
	Image string `json:"image,omitempty"`
}

// Loss is content that a registry no longer has. Exactly one field is set: Manifest to a tag, or with DIGEST() to a
// manifest, Blobs to an image, or Blob to a single blob as "repository@digest".
type Loss struct {
	Manifest string `json:"manifest,omitempty"`
	Blobs    string `json:"blobs,omitempty"`
	Blob     string `json:"blob,omitempty"`
}

// Node configures the real node.
type Node struct {
	// Hosts are hosts.toml files by the name of their folder. Each folder also has a ca.crt with the CA of the
	// scenario's registries. A registry without NoHosts has a default file, unless Hosts has one for it.
	Hosts map[string]string `json:"hosts,omitempty"`
	// Config is the node's config.json, in the form of Secret.
	Config map[string]string `json:"config,omitempty"`
	// Provider is the response of a credential provider plugin, in the form of Secret.
	Provider map[string]string `json:"provider,omitempty"`
	// Images are loaded from an archive before the pod is created.
	Images []string `json:"images,omitempty"`
	// Loads are images that are loaded after Pullgate's check. So the node does not report them yet, as if they had been
	// loaded a moment before the check.
	Loads []string `json:"loads,omitempty"`
}

// OtherNode is a Node object without a machine. Pods of other scenarios do not tolerate its taint. Its default
// runtime is the real node's, and Runtime replaces it, for example with containerd://1.7.27.
type OtherNode struct {
	Name     string            `json:"name"`
	Platform string            `json:"platform"`
	Runtime  string            `json:"runtime,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
	Images   []string          `json:"images,omitempty"`
	Cordoned bool              `json:"cordoned,omitempty"`
	// Pulled are images that the node reports with a digest, unlike the loaded ones of Images.
	Pulled []string `json:"pulled,omitempty"`
	// ProviderID is the node's ID at its provider, such as kind://docker/kind/kind-worker.
	ProviderID string `json:"providerID,omitempty"`
	// Allocatable replaces quantities of a large node. Taints are further taints.
	Allocatable corev1.ResourceList `json:"allocatable,omitempty"`
	Taints      []corev1.Taint      `json:"taints,omitempty"`
}

// Secret is a pull secret. Auths maps registries to "user:password". Data is raw data and Type its type. The default
// type is kubernetes.io/dockerconfigjson.
type Secret struct {
	Auths map[string]string `json:"auths,omitempty"`
	Type  corev1.SecretType `json:"type,omitempty"`
	Data  map[string]string `json:"data,omitempty"`
	// Later creates the secret after Pullgate's check, when the first pull has failed.
	Later bool `json:"later,omitempty"`
}

// Update changes a running pod.
type Update struct {
	// Images are new images by the names of their containers.
	Images map[string]string `json:"images,omitempty"`
	// Ephemeral is the image of a new ephemeral container.
	Ephemeral string `json:"ephemeral,omitempty"`
	// Labels are new labels.
	Labels map[string]string `json:"labels,omitempty"`
}

// Pullgate is the part of Pullgate's configuration that differs from the node's.
type Pullgate struct {
	// Config is merged over the configuration that names the node's hosts.toml files, its config.json and its
	// plugins.
	Config map[string]any `json:"config,omitempty"`
	// Trusts adds the CA of the scenario's registries to the system pool of Pullgate.
	Trusts bool `json:"trusts,omitempty"`
}

// Fault is registry.Fault.
type Fault struct {
	Path          string              `json:"path,omitempty"`
	Method        string              `json:"method,omitempty"`
	Account       string              `json:"account,omitempty"`
	Authorization registry.Presence   `json:"authorization,omitempty"`
	UnlessAgent   string              `json:"unlessAgent,omitempty"`
	AfterAuth     bool                `json:"afterAuth,omitempty"`
	After         int                 `json:"after,omitempty"`
	Times         int                 `json:"times,omitempty"`
	Delay         metav1.Duration     `json:"delay,omitempty"`
	Hang          bool                `json:"hang,omitempty"`
	Reset         bool                `json:"reset,omitempty"`
	Redirect      string              `json:"redirect,omitempty"`
	RedirectLoop  bool                `json:"redirectLoop,omitempty"`
	Challenge     bool                `json:"challenge,omitempty"`
	Cause         string              `json:"cause,omitempty"`
	Status        int                 `json:"status,omitempty"`
	Body          string              `json:"body,omitempty"`
	Encode        string              `json:"encode,omitempty"`
	Header        map[string][]string `json:"header,omitempty"`
	DropHeader    []string            `json:"dropHeader,omitempty"`
	Truncate      int                 `json:"truncate,omitempty"`
}

// Limit is registry.Limit.
type Limit struct {
	Repository string          `json:"repository,omitempty"`
	Method     string          `json:"method,omitempty"`
	Requests   int             `json:"requests,omitempty"`
	Per        metav1.Duration `json:"per,omitempty"`
}

// DependsOnNodeImages reports whether the images on the node affect the result: the node may use one as it is, or the
// deep check may find its layers there.
func (s *Scenario) DependsOnNodeImages() bool {
	debugs := s.Update != nil && s.Update.Ephemeral != "" // an ephemeral container here has no explicit pull policy
	return debugs || s.Pullgate.Config["deep"] == true ||
		slices.ContainsFunc(s.policies(), func(p corev1.PullPolicy) bool { return p != corev1.PullAlways })
}

// LoadsImages reports whether images are loaded into the node from archives.
func (s *Scenario) LoadsImages() bool { return len(s.Node.Images)+len(s.Node.Loads) > 0 }

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
