package podspec

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// defaultServiceAccount is the account of a pod that names none.
const defaultServiceAccount = "default"

// Object is a pod, or an object that pods are made of, reduced to what decides their pulls. Its methods return changed
// copies.
type Object struct {
	APIVersion, Kind, Namespace string
	// Name is the generateName of an object that has no name yet.
	Name string
	// Template marks an object that a controller makes pods of later; all but pods are.
	Template bool
	// Mirror marks the mirror of a static pod: its containers run already, whatever the API server thinks of it.
	Mirror bool
	// Deleting marks an object whose deletion has begun.
	Deleting bool
	Pod      imagepull.Pod
	// Spec is that part of the pods' own that says which nodes they can be scheduled to, and with which pull secrets. It is
	// shared by copies of the object: don't change it. Only the zero Object has none.
	//
	// Its RuntimeClassName is set as long as the API server has yet to add what the class says of nodes (kubernetes:
	// plugin/pkg/admission/runtimeclass). That of a pod that has it is in RuntimeClass.
	Spec         *corev1.PodSpec
	RuntimeClass *string
}

// BeforeAdmission returns the object as one that the API server has yet to admit, such as a pod in a file: a pod that
// lists no pull secrets will be given those of its service account, and what its runtime class says of nodes. It changes
// nothing for a template, whose pods always have that before them, nor for a mirror pod, which is left as it is
// (kubernetes: plugin/pkg/admission/serviceaccount, Admit).
func (o Object) BeforeAdmission() Object {
	if o.Mirror || o.Spec == nil {
		return o
	}
	o.Pod.ServiceAccount = pullServiceAccount(o.Spec)
	if o.RuntimeClass != nil {
		spec := *o.Spec
		spec.RuntimeClassName = o.RuntimeClass
		o.Spec = &spec
	}
	return o
}

// ChangedSince returns the object with only those uses that an update of old brings up anew. A use is known by its kind
// and name, wherever it stands in its list.
//
// All uses of a template are brought up by a change to its pull secrets or service account. A pod can change neither.
func (o Object) ChangedSince(old Object) Object {
	if o.Template && !sameSecrets(o.Pod, old.Pod) {
		return o
	}
	known := make(map[place]imagepull.Use, len(old.Pod.Uses))
	for _, use := range old.Pod.Uses {
		known[placeOf(use)] = use
	}
	o.Pod.Uses = slices.DeleteFunc(slices.Clone(o.Pod.Uses), func(use imagepull.Use) bool {
		was, ok := known[placeOf(use)]
		return ok && !changed(was, use)
	})
	return o
}

// place is what a use keeps when its list is reordered.
type place struct {
	kind imagepull.Kind
	name string
}

func placeOf(use imagepull.Use) place { return place{use.Kind, use.Name} }

// changed reports whether the use may fare differently now. The pull of an image volume that nothing mounted could fail
// unnoticed until a container, such as an ephemeral one, mounts it.
func changed(was, is imagepull.Use) bool {
	return is.Image != was.Image || is.PullPolicy != was.PullPolicy || was.Unmounted && !is.Unmounted
}

func sameSecrets(a, b imagepull.Pod) bool {
	return slices.Equal(a.PullSecrets, b.PullSecrets) && a.ServiceAccount == b.ServiceAccount
}

// pullSecrets lists the names in their order. The API allows an entry without a name; the kubelet skips it
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

// pullServiceAccount returns the account whose pull secrets the API server will copy into the pod; empty when it copies
// none, because the pod lists an entry of its own, be it one without a name.
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
