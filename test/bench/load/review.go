package load

import (
	"encoding/json"
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Template creates reviews of pods that differ only in their images. The pod resembles one of a Deployment after the
// API server has set its defaults.
type Template struct{ parts []string }

// placeholder stands for an image. It does not occur elsewhere in the JSON text.
const placeholder = "\x01"

// NewTemplate returns a template of pods with this number of containers and one pull secret.
func NewTemplate(namespace, secret string, containers int) (Template, error) {
	pod := newPod(namespace, secret)
	for i := range containers {
		pod.Spec.Containers = append(pod.Spec.Containers, newContainer(fmt.Sprintf("service-%d", i)))
	}
	object, err := json.Marshal(pod)
	if err != nil {
		return Template{}, fmt.Errorf("encoding a pod: %w", err)
	}
	review, err := json.Marshal(newReview(namespace, object))
	if err != nil {
		return Template{}, fmt.Errorf("encoding a review: %w", err)
	}
	return Template{strings.Split(string(review), `\u0001`)}, nil
}

// With returns the review of a pod with these images, one for each container.
func (t Template) With(images ...string) []byte {
	var b strings.Builder
	for i, part := range t.parts {
		b.WriteString(part)
		if i < len(t.parts)-1 {
			b.WriteString(images[i%len(images)])
		}
	}
	return []byte(b.String())
}

func newReview(namespace string, object []byte) admissionv1.AdmissionReview {
	kind := metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}
	pods := metav1.GroupVersionResource{Version: "v1", Resource: "pods"}
	return admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "705ab4f5-6393-11e8-b7cc-42010a800002", Kind: kind, Resource: pods, RequestKind: &kind, RequestResource: &pods,
			Namespace: namespace, Operation: admissionv1.Create, DryRun: new(false),
			UserInfo: authenticationv1.UserInfo{
				Username: "system:serviceaccount:kube-system:replicaset-controller", UID: "5a1c8f0e-8c1e-4b5c-9f7e-1d2c3b4a5968",
				Groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"},
			},
			Object:  runtime.RawExtension{Raw: object},
			Options: runtime.RawExtension{Raw: []byte(`{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}`)},
		},
	}
}

func newPod(namespace, secret string) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: "web-6d4cf56db6-", Namespace: namespace,
			Labels:      map[string]string{"app.kubernetes.io/name": "web", "pod-template-hash": "6d4cf56db6"},
			Annotations: map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-6d4cf56db6", UID: "9e8d7c6b-1111-4222-8333-944455556666",
				Controller: new(true), BlockOwnerDeletion: new(true),
			}},
		},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyAlways, DNSPolicy: corev1.DNSClusterFirst, SchedulerName: "default-scheduler",
			ServiceAccountName: "default", TerminationGracePeriodSeconds: new(int64(30)), EnableServiceLinks: new(true),
			Priority: new(int32(0)), PreemptionPolicy: new(corev1.PreemptLowerPriority),
			SecurityContext:  &corev1.PodSecurityContext{RunAsNonRoot: new(true)},
			ImagePullSecrets: []corev1.LocalObjectReference{{Name: secret}},
			Tolerations: []corev1.Toleration{
				tolerating("node.kubernetes.io/not-ready"), tolerating("node.kubernetes.io/unreachable"),
			},
			Volumes: []corev1.Volume{{Name: "kube-api-access-x7k2p", VolumeSource: corev1.VolumeSource{
				Projected: &corev1.ProjectedVolumeSource{DefaultMode: new(int32(420)), Sources: []corev1.VolumeProjection{
					{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{
						ExpirationSeconds: new(int64(3607)), Path: "token",
					}},
				}},
			}}},
		},
	}
}

// tolerating returns a toleration that the API server adds to every pod.
func tolerating(key string) corev1.Toleration {
	return corev1.Toleration{
		Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(300)),
	}
}

func newContainer(name string) corev1.Container {
	probe := &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: "/healthz", Port: intstr.FromInt32(8080), Scheme: corev1.URISchemeHTTP,
		}},
		TimeoutSeconds: 1, PeriodSeconds: 10, SuccessThreshold: 1, FailureThreshold: 3,
	}
	return corev1.Container{
		Name: name, Image: placeholder, ImagePullPolicy: corev1.PullIfNotPresent,
		Args:  []string{"--listen=:8080", "--log-level=info"},
		Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}},
		Env: []corev1.EnvVar{
			{Name: "ENVIRONMENT", Value: "production"},
			{Name: "DATABASE_URL", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: "database"}, Key: "url",
			}}},
		},
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi"),
			},
			Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi")},
		},
		VolumeMounts: []corev1.VolumeMount{{
			Name: "kube-api-access-x7k2p", ReadOnly: true, MountPath: "/var/run/secrets/kubernetes.io/serviceaccount",
		}},
		LivenessProbe: probe, ReadinessProbe: probe,
		TerminationMessagePath: "/dev/termination-log", TerminationMessagePolicy: corev1.TerminationMessageReadFile,
		SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: new(false)},
	}
}
