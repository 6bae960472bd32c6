package podspec

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// document holds the fields of any kind of object that decide its pulls. Decoding a whole pod would take half as long again
// (BenchmarkDecode).
type document struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
	Spec       spec     `json:"spec"`
	// Template is the template of a PodTemplate.
	Template template `json:"template"`
}

type metadata struct {
	Name         string `json:"name"`
	GenerateName string `json:"generateName"`
	Namespace    string `json:"namespace"`
	// DeletionTimestamp is not nil if the object is being deleted.
	DeletionTimestamp *string                 `json:"deletionTimestamp"`
	OwnerReferences   []metav1.OwnerReference `json:"ownerReferences"`
	Annotations       annotations             `json:"annotations"`
	// Labels are all labels, since exemptions may name any.
	Labels map[string]string `json:"labels"`
}

// annotations holds the annotations that matter.
type annotations struct {
	// Mirror is not nil if the annotation is present.
	Mirror         *string `json:"kubernetes.io/config.mirror"` // corev1.MirrorPodAnnotationKey
	IstioInject    string  `json:"sidecar.istio.io/inject"`
	IstioTemplates string  `json:"inject.istio.io/templates"`
}

// spec is the spec of a pod, or of an object with a pod template.
type spec struct {
	Template    *template    `json:"template"`
	JobTemplate *jobTemplate `json:"jobTemplate"`

	Containers               []container                   `json:"containers"`
	InitContainers           []container                   `json:"initContainers"`
	EphemeralContainers      []container                   `json:"ephemeralContainers"`
	Volumes                  []volume                      `json:"volumes"`
	ImagePullSecrets         []corev1.LocalObjectReference `json:"imagePullSecrets"`
	ServiceAccountName       string                        `json:"serviceAccountName"`
	DeprecatedServiceAccount string                        `json:"serviceAccount"`

	NodeName         string                     `json:"nodeName"`
	NodeSelector     map[string]string          `json:"nodeSelector"`
	Affinity         *affinity                  `json:"affinity"`
	Tolerations      []corev1.Toleration        `json:"tolerations"`
	OS               *corev1.PodOS              `json:"os"`
	SchedulerName    string                     `json:"schedulerName"`
	SchedulingGates  []corev1.PodSchedulingGate `json:"schedulingGates"`
	RuntimeClassName *string                    `json:"runtimeClassName"`
	Resources        resources                  `json:"resources"`
	Overhead         quantities                 `json:"overhead"`
	ResourceClaims   []corev1.PodResourceClaim  `json:"resourceClaims"`
}

type template struct {
	Metadata metadata `json:"metadata"`
	Spec     spec     `json:"spec"`
}

type jobTemplate struct {
	Spec spec `json:"spec"`
}

// container is a container of any kind.
type container struct {
	Name            string                         `json:"name"`
	Image           string                         `json:"image"`
	ImagePullPolicy corev1.PullPolicy              `json:"imagePullPolicy"`
	VolumeMounts    []volumeMount                  `json:"volumeMounts"`
	Resources       resources                      `json:"resources"`
	RestartPolicy   *corev1.ContainerRestartPolicy `json:"restartPolicy"`
}

type volumeMount struct {
	Name string `json:"name"`
}

type volume struct {
	Name  string                    `json:"name"`
	Image *corev1.ImageVolumeSource `json:"image"`
	// The claims are not nil if the volume is one.
	PersistentVolumeClaim *struct{} `json:"persistentVolumeClaim"`
	Ephemeral             *struct{} `json:"ephemeral"`
}

type affinity struct {
	NodeAffinity *nodeAffinity `json:"nodeAffinity"`
}

type nodeAffinity struct {
	Required *corev1.NodeSelector `json:"requiredDuringSchedulingIgnoredDuringExecution"`
}

// pods holds the pod of a document, or its template of pods.
type pods struct {
	metadata *metadata
	spec     *spec
	// path is the path of the spec in its document.
	path string
}

// pods returns the pods in a document. They are empty for an object without a template. No API server serves older versions of
// these APIs any more.
func (d *document) pods() (found pods, hasPods bool) {
	switch d.kind() {
	case core("Pod"):
		return pods{&d.Metadata, &d.Spec, "spec"}, true
	case core("PodTemplate"):
		return d.Template.pods("template.spec"), true
	case batch("CronJob"):
		return d.Spec.ofJob().ofPods().pods("spec.jobTemplate.spec.template.spec"), true
	case core("ReplicationController"), apps("Deployment"), apps("ReplicaSet"), apps("StatefulSet"), apps("DaemonSet"), batch("Job"):
		return d.Spec.ofPods().pods("spec.template.spec"), true
	}
	return pods{}, false
}

// Kinds returns the kinds that have pods.
func Kinds() []string {
	return []string{
		"Pod", "PodTemplate", "CronJob", "ReplicationController", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job",
	}
}

func (d *document) kind() metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: d.APIVersion, Kind: d.Kind}
}

func core(kind string) metav1.TypeMeta  { return metav1.TypeMeta{APIVersion: "v1", Kind: kind} }
func apps(kind string) metav1.TypeMeta  { return metav1.TypeMeta{APIVersion: "apps/v1", Kind: kind} }
func batch(kind string) metav1.TypeMeta { return metav1.TypeMeta{APIVersion: "batch/v1", Kind: kind} }

func (t *template) pods(path string) pods { return pods{&t.Metadata, &t.Spec, path} }

func (s *spec) ofPods() *template {
	if s.Template == nil {
		return &template{}
	}
	return s.Template
}

func (s *spec) ofJob() *spec {
	if s.JobTemplate == nil {
		return &spec{}
	}
	return &s.JobTemplate.Spec
}

// reduced returns the fields that decide on the pods' nodes and pull secrets, in the API's type. Its ordinary containers are one
// container with their requests together.
func (s *spec) reduced() *corev1.PodSpec {
	reduced := &corev1.PodSpec{
		NodeName:                 s.NodeName,
		NodeSelector:             s.NodeSelector,
		Tolerations:              s.Tolerations,
		OS:                       s.OS,
		SchedulerName:            s.SchedulerName,
		SchedulingGates:          s.SchedulingGates,
		RuntimeClassName:         s.RuntimeClassName,
		ImagePullSecrets:         s.ImagePullSecrets,
		ServiceAccountName:       s.ServiceAccountName,
		DeprecatedServiceAccount: s.DeprecatedServiceAccount,
		Containers:               requestsTogether(s.Containers),
		InitContainers:           requestsOfEach(s.InitContainers),
		Volumes:                  claimsOf(s.Volumes),
		Overhead:                 s.Overhead.list(),
		ResourceClaims:           s.ResourceClaims,
	}
	if r := s.Resources; len(r.Requests)+len(r.Limits) > 0 {
		reduced.Resources = &corev1.ResourceRequirements{Requests: r.Requests.list(), Limits: r.Limits.list()}
	}
	if s.Affinity != nil && s.Affinity.NodeAffinity != nil {
		reduced.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: s.Affinity.NodeAffinity.Required,
		}}
	}
	return reduced
}
