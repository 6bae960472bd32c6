package truth

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// podName is the name of the scenario's pod, and of its Deployment.
const podName = "app"

// Pod returns the scenario's pod.
func (w *World) Pod(namespace string) (*corev1.Pod, error) {
	spec := corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: w.Scenario.Image, ImagePullPolicy: w.Scenario.Policy}}}
	if w.Scenario.Pod != nil {
		spec = *w.Scenario.Pod
	}
	return w.pod(podName, namespace, spec)
}

// Before returns the pods that are there before it.
func (w *World) Before(namespace string) ([]*corev1.Pod, error) {
	var pods []*corev1.Pod
	for i, spec := range w.Scenario.Before {
		pod, err := w.pod(fmt.Sprintf("before-%d", i), namespace, spec)
		if err != nil {
			return nil, err
		}
		pods = append(pods, pod)
	}
	return pods, nil
}

// pod makes a pod that tolerates the nodes of its own scenario, and no others.
func (w *World) pod(name, namespace string, spec corev1.PodSpec) (*corev1.Pod, error) {
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{"app": name}},
		Spec:       spec,
	}
	grace := int64(0)
	pod.Spec.TerminationGracePeriodSeconds = &grace
	if len(w.Scenario.Nodes) > 0 {
		pod.Spec.Tolerations = append(slices.Clone(spec.Tolerations),
			corev1.Toleration{Key: taintKey, Value: w.Scenario.ID(), Effect: corev1.TaintEffectNoSchedule})
	}
	return pod, w.fill(pod)
}

// fill puts digests into an object.
func (w *World) fill(object any) error {
	data, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encoding an object: %w", err)
	}
	text, err := substitute(string(data), w.known)
	if err != nil {
		return fmt.Errorf("%s: %w", w.Scenario.Name, err)
	}
	return json.Unmarshal([]byte(text), object)
}

// Object returns what Pullgate is asked about: the pod, or a Deployment of it.
func (w *World) Object(namespace string) (runtime.Object, error) {
	pod, err := w.Pod(namespace)
	if err != nil || !w.Scenario.Deployment {
		return pod, err
	}
	pod.Spec.TerminationGracePeriodSeconds = nil
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: podName, Namespace: namespace},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: pod.Labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod.Labels}, Spec: pod.Spec},
		},
	}, nil
}

// Updated returns the pod as the scenario's update leaves it.
func (w *World) Updated(pod *corev1.Pod) (*corev1.Pod, error) {
	pod = pod.DeepCopy()
	u := w.Scenario.Update
	for i := range pod.Spec.Containers {
		if image, ok := u.Images[pod.Spec.Containers[i].Name]; ok {
			pod.Spec.Containers[i].Image = image
		}
	}
	if u.Ephemeral != "" {
		pod.Spec.EphemeralContainers = append(pod.Spec.EphemeralContainers, corev1.EphemeralContainer{
			EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debugger", Image: u.Ephemeral},
		})
	}
	maps.Copy(pod.Labels, u.Labels)
	return pod, w.fill(pod)
}

// Secrets returns the scenario's pull secrets.
func (w *World) Secrets(namespace string) []*corev1.Secret {
	var secrets []*corev1.Secret
	for _, name := range slices.Sorted(maps.Keys(w.Scenario.Secrets)) {
		s := w.Scenario.Secrets[name]
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
			Type:       s.Type,
			Data:       map[string][]byte{},
		}
		if s.Type == "" {
			secret.Type = corev1.SecretTypeDockerConfigJson
		}
		if s.Auths != nil {
			secret.Data[corev1.DockerConfigJsonKey] = DockerConfig(s.Auths)
		}
		for key, text := range s.Data {
			secret.Data[key] = []byte(text)
		}
		secrets = append(secrets, secret)
	}
	return secrets
}

// LocalRegistry returns the object by which a cluster describes its local registry; nil where it has none.
func (w *World) LocalRegistry() *corev1.ConfigMap {
	if w.Scenario.Hosting == "" {
		return nil
	}
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespacePublic, Name: hosting},
		Data:       map[string]string{"localRegistryHosting.v1": w.Scenario.Hosting},
	}
}

// Account returns the namespace's default service account.
func (w *World) Account(namespace string) *corev1.ServiceAccount {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: namespace}}
	for _, name := range w.Scenario.AccountSecrets {
		account.ImagePullSecrets = append(account.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
	return account
}

// DockerConfig returns a config.json with "user:password" by registry. One without a colon is taken for the value of auth
// as it is, which may be broken; an empty one makes an empty entry.
func DockerConfig(auths map[string]string) []byte {
	entries := map[string]map[string]string{}
	for host, account := range auths {
		switch {
		case account == "":
			entries[host] = map[string]string{}
		case strings.Contains(account, ":"):
			entries[host] = map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(account))}
		default:
			entries[host] = map[string]string{"auth": account}
		}
	}
	data, _ := json.Marshal(map[string]any{"auths": entries}) // texts always marshal
	return data
}

// ID is the name in a form that objects may have.
func (s *Scenario) ID() string { return strings.ReplaceAll(s.Name, "/", "-") }
