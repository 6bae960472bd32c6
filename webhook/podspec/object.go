package podspec

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// defaultServiceAccount is the account of a pod without one in its spec.
const defaultServiceAccount = "default"

// Object holds the fields of a pod, or of an object with a pod template, that decide on pulls. Its methods return changed
// copies.
type Object struct {
	APIVersion, Kind, Namespace string
	// Name is the name, or the generateName of an object that has no name yet.
	Name string
	// Template marks every object but a pod: a controller creates pods from it later.
	Template bool
	// Mirror marks the mirror of a static pod. Its containers run already.
	Mirror bool
	// Deleting marks an object that is being deleted.
	Deleting bool
	// PodLabels are the labels of the pod, or of the pods of a template.
	PodLabels map[string]string
	// Controller is the object that has created this one and replaces it, such as the ReplicaSet of a pod, or nil.
	Controller *metav1.OwnerReference
	Pod        imagepull.Pod
	// Spec holds the fields of the pods' spec that decide on their nodes and pull secrets. Copies of the object share it, so
	// it must not be modified. Only the zero Object has none.
	//
	// Its RuntimeClassName is set until the API server has added the scheduling of the class to the pod (kubernetes:
	// plugin/pkg/admission/runtimeclass). After that, the name is in RuntimeClass.
	Spec         *corev1.PodSpec
	RuntimeClass *string
}

// BeforeAdmission returns the object as one that the API server has not admitted yet, such as a pod in a file. The API server
// will add the scheduling of its runtime class and, if it lists no pull secrets, the pull secrets of its service account. Mutating
// webhooks may replace its images. Templates are unchanged, because their pods are always admitted later. Mirror pods are
// unchanged too (kubernetes: plugin/pkg/admission/serviceaccount, Admit).
func (o Object) BeforeAdmission() Object {
	if o.Mirror || o.Spec == nil {
		return o
	}
	o.Pod.BeforeAdmission = true
	o.Pod.ServiceAccount = pullServiceAccount(o.Spec)
	if o.RuntimeClass != nil {
		spec := *o.Spec
		spec.RuntimeClassName = o.RuntimeClass
		o.Spec = &spec
	}
	return o
}

// ChangedSince returns the object with the uses that differ from old. Uses are compared by kind and name, in any order.
//
// All uses of a template count as changed if its pull secrets or service account change. A pod cannot change these.
func (o Object) ChangedSince(old Object) Object {
	if o.Template && !sameSecrets(o.Pod, old.Pod) {
		return o
	}
	known := make(map[useKey]imagepull.Use, len(old.Pod.Uses))
	for _, use := range old.Pod.Uses {
		known[keyOf(use)] = use
	}
	o.Pod.Uses = slices.DeleteFunc(slices.Clone(o.Pod.Uses), func(use imagepull.Use) bool {
		old, ok := known[keyOf(use)]
		return ok && !changed(old, use)
	})
	return o
}

// RuntimeClassName returns the name of the runtime class of the pods, or "".
func (o Object) RuntimeClassName() string {
	name := o.RuntimeClass
	if name == nil && o.Spec != nil {
		name = o.Spec.RuntimeClassName
	}
	if name == nil {
		return ""
	}
	return *name
}

// useKey identifies a use when its list is reordered.
type useKey struct {
	kind imagepull.Kind
	name string
}

func keyOf(use imagepull.Use) useKey { return useKey{use.Kind, use.Name} }

// changed reports whether the pull can have another result now. A failed pull of an unmounted image volume has no effect until
// a container mounts the volume, such as an ephemeral one.
func changed(old, use imagepull.Use) bool {
	return use.Image != old.Image || use.PullPolicy != old.PullPolicy || old.Unmounted && !use.Unmounted
}

func sameSecrets(a, b imagepull.Pod) bool {
	return slices.Equal(a.PullSecrets, b.PullSecrets) && a.ServiceAccount == b.ServiceAccount
}

// pullSecrets returns the names in their order. The API allows an entry without a name, which the kubelet skips
// (pkg/kubelet/kubelet_pods.go, getPullSecretsForPod).
func pullSecrets(spec *corev1.PodSpec) []string {
	var names []string
	for _, secret := range spec.ImagePullSecrets {
		if secret.Name != "" {
			names = append(names, secret.Name)
		}
	}
	return names
}

// pullServiceAccount returns the account whose pull secrets the API server will copy into the pod. It is empty if the pod lists
// an entry of its own, even one without a name: then the API server copies none.
func pullServiceAccount(spec *corev1.PodSpec) string {
	switch {
	case len(spec.ImagePullSecrets) > 0:
		return ""
	case spec.ServiceAccountName != "":
		return spec.ServiceAccountName
	case spec.DeprecatedServiceAccount != "":
		return spec.DeprecatedServiceAccount
	}
	return defaultServiceAccount
}
