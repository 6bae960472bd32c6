package podspec

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// workload is how to find the pod spec in one kind of object.
type workload struct {
	// path leads to the pod spec.
	path string
	// read decodes an object. The spec is nil when the object has no template.
	read func(raw []byte) (metav1.Object, *corev1.PodSpec, error)
}

// templateSpec is where most kinds keep the spec of their pods.
const templateSpec = "spec.template.spec"

// workloads is the table of the kinds that hold a pod or a template of pods. Older versions of these APIs are no longer
// served by any API server.
func workloads() map[metav1.TypeMeta]workload {
	return map[metav1.TypeMeta]workload{
		core("Pod"): {"spec", reader(func(o *corev1.Pod) *corev1.PodSpec { return &o.Spec })},
		core("PodTemplate"): {"template.spec", reader(func(o *corev1.PodTemplate) *corev1.PodSpec {
			return &o.Template.Spec
		})},
		core("ReplicationController"): {templateSpec, reader(func(o *corev1.ReplicationController) *corev1.PodSpec {
			if o.Spec.Template == nil {
				return nil
			}
			return &o.Spec.Template.Spec
		})},
		apps("Deployment"):  {templateSpec, reader(func(o *appsv1.Deployment) *corev1.PodSpec { return &o.Spec.Template.Spec })},
		apps("ReplicaSet"):  {templateSpec, reader(func(o *appsv1.ReplicaSet) *corev1.PodSpec { return &o.Spec.Template.Spec })},
		apps("StatefulSet"): {templateSpec, reader(func(o *appsv1.StatefulSet) *corev1.PodSpec { return &o.Spec.Template.Spec })},
		apps("DaemonSet"):   {templateSpec, reader(func(o *appsv1.DaemonSet) *corev1.PodSpec { return &o.Spec.Template.Spec })},
		batch("Job"):        {templateSpec, reader(func(o *batchv1.Job) *corev1.PodSpec { return &o.Spec.Template.Spec })},
		batch("CronJob"): {"spec.jobTemplate.spec.template.spec", reader(func(o *batchv1.CronJob) *corev1.PodSpec {
			return &o.Spec.JobTemplate.Spec.Template.Spec
		})},
	}
}

func core(kind string) metav1.TypeMeta  { return metav1.TypeMeta{APIVersion: "v1", Kind: kind} }
func apps(kind string) metav1.TypeMeta  { return metav1.TypeMeta{APIVersion: "apps/v1", Kind: kind} }
func batch(kind string) metav1.TypeMeta { return metav1.TypeMeta{APIVersion: "batch/v1", Kind: kind} }

// apiObject is a pointer to an API type that carries metadata.
type apiObject[T any] interface {
	*T
	metav1.Object
}

// reader decodes a T and finds its pod spec with the given accessor.
func reader[T any, P apiObject[T]](spec func(*T) *corev1.PodSpec) func([]byte) (metav1.Object, *corev1.PodSpec, error) {
	return func(raw []byte) (metav1.Object, *corev1.PodSpec, error) {
		decoded := new(T)
		if err := unmarshal(raw, decoded); err != nil {
			return nil, nil, err
		}
		return P(decoded), spec(decoded), nil
	}
}
