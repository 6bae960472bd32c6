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

// podName is the name of the scenario's pod and of its Deployment.
const podName = "app"

// Pod returns the scenario's pod.
func (f *Fixture) Pod(namespace string) (*corev1.Pod, error) {
	spec := corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: f.Scenario.Image, ImagePullPolicy: f.Scenario.Policy}}}
	if f.Scenario.Pod != nil {
		spec = *f.Scenario.Pod
	}
	return f.pod(podName, namespace, spec)
}

// Before returns the pods that run before the scenario's pod.
func (f *Fixture) Before(namespace string) ([]*corev1.Pod, error) {
	return f.pods("before", namespace, f.Scenario.Before)
}

// Earlier returns the pods that Pullgate checks before the scenario's pod.
func (f *Fixture) Earlier(namespace string) ([]*corev1.Pod, error) {
	return f.pods("earlier", namespace, f.Scenario.Earlier)
}

func (f *Fixture) pods(name, namespace string, specs []corev1.PodSpec) ([]*corev1.Pod, error) {
	var pods []*corev1.Pod
	for i, spec := range specs {
		pod, err := f.pod(fmt.Sprintf("%s-%d", name, i), namespace, spec)
		if err != nil {
			return nil, err
		}
		pods = append(pods, pod)
	}
	return pods, nil
}

// pod returns a pod that tolerates the nodes of its own scenario only.
func (f *Fixture) pod(name, namespace string, spec corev1.PodSpec) (*corev1.Pod, error) {
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{"app": name}},
		Spec:       spec,
	}
	grace := int64(0)
	pod.Spec.TerminationGracePeriodSeconds = &grace
	if len(f.Scenario.Nodes) > 0 {
		pod.Spec.Tolerations = append(slices.Clone(spec.Tolerations),
			corev1.Toleration{Key: taintKey, Value: f.Scenario.ID(), Effect: corev1.TaintEffectNoSchedule})
	}
	return pod, f.fill(pod)
}

// fill replaces the placeholders in an object.
func (f *Fixture) fill(object any) error {
	data, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encoding an object: %w", err)
	}
	text, err := substitute(string(data), f.known)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Scenario.Name, err)
	}
	return json.Unmarshal([]byte(text), object)
}

// Object returns the object that Pullgate checks: the pod or a Deployment of it.
func (f *Fixture) Object(namespace string) (runtime.Object, error) {
	pod, err := f.Pod(namespace)
	if err != nil || !f.Scenario.Deployment {
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

// Updated returns the pod with the scenario's update.
func (f *Fixture) Updated(pod *corev1.Pod) (*corev1.Pod, error) {
	pod = pod.DeepCopy()
	u := f.Scenario.Update
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
	return pod, f.fill(pod)
}

// Secrets returns the pull secrets that exist when Pullgate checks the pod.
func (f *Fixture) Secrets(namespace string) []*corev1.Secret { return f.secrets(namespace, false) }

// LaterSecrets returns the pull secrets that are created after the first failure.
func (f *Fixture) LaterSecrets(namespace string) []*corev1.Secret { return f.secrets(namespace, true) }

func (f *Fixture) secrets(namespace string, later bool) []*corev1.Secret {
	var secrets []*corev1.Secret
	for _, name := range slices.Sorted(maps.Keys(f.Scenario.Secrets)) {
		s := f.Scenario.Secrets[name]
		if s.Later != later {
			continue
		}
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

// LocalRegistry returns the ConfigMap that describes the cluster's local registry, or nil without such a description.
func (f *Fixture) LocalRegistry() *corev1.ConfigMap {
	if f.Scenario.Hosting == "" {
		return nil
	}
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespacePublic, Name: hosting},
		Data:       map[string]string{"localRegistryHosting.v1": f.Scenario.Hosting},
	}
}

// Account returns the namespace's default service account.
func (f *Fixture) Account(namespace string) *corev1.ServiceAccount {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: namespace}}
	for _, name := range f.Scenario.AccountSecrets {
		account.ImagePullSecrets = append(account.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
	return account
}

// DockerConfig returns a config.json with "user:password" by registry. A text without a colon is used as the value of
// auth, which may be invalid. An empty text creates an empty entry.
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
	data, _ := json.Marshal(map[string]any{"auths": entries}) // strings always marshal
	return data
}

// ID returns the name in a form that is valid for objects.
func (s *Scenario) ID() string { return strings.ReplaceAll(s.Name, "/", "-") }
