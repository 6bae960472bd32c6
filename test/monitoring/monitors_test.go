package monitoring

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// monitor holds the fields in use of a PodMonitor and of a ServiceMonitor. Any other field is an error.
type monitor struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   metav1.ObjectMeta `json:"metadata"`
	Spec       struct {
		JobLabel            string               `json:"jobLabel"`
		Selector            metav1.LabelSelector `json:"selector"`
		PodMetricsEndpoints []endpoint           `json:"podMetricsEndpoints"`
		Endpoints           []endpoint           `json:"endpoints"`
	} `json:"spec"`
}

type endpoint struct {
	Port string `json:"port"`
}

func decode[T any](t *testing.T, path ...string) T {
	t.Helper()
	var out T
	if err := yaml.UnmarshalStrict([]byte(read(t, filepath.Join(path...))), &out); err != nil {
		t.Fatalf("%v: %v", path, err)
	}
	return out
}

func selects(t *testing.T, m monitor, of map[string]string) bool {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(&m.Spec.Selector)
	if err != nil {
		t.Fatal(err)
	}
	return selector.Matches(labels.Set(of))
}

// The label that becomes the job is on the object that a monitor selects, so that the job is "pullgate" with either monitor.
func TestMonitorsSelectTheReplicas(t *testing.T) {
	t.Parallel()
	base := filepath.Join(folder, "..", "base")
	deployment := decode[appsv1.Deployment](t, base, "50-deployment.yaml")
	pod := deployment.Spec.Template
	ports := pod.Spec.Containers[0].Ports
	isPort := func(name string) bool {
		return slices.ContainsFunc(ports, func(p corev1.ContainerPort) bool { return p.Name == name })
	}
	byPod := decode[monitor](t, folder, "10-podmonitor.yaml")
	if !selects(t, byPod, pod.Labels) || len(byPod.Spec.PodMetricsEndpoints) != 1 || !isPort(byPod.Spec.PodMetricsEndpoints[0].Port) {
		t.Errorf("the PodMonitor does not select the pods and their port: %+v", byPod.Spec)
	}
	if got := pod.Labels[byPod.Spec.JobLabel]; got != "pullgate" {
		t.Errorf("the job of the PodMonitor is %q", got)
	}
	component := filepath.Join(folder, "..", "components", "service-monitor")
	byService := decode[monitor](t, component, "20-servicemonitor.yaml")
	service := decode[corev1.Service](t, component, "10-service.yaml")
	if !selects(t, byService, service.Labels) || len(byService.Spec.Endpoints) != 1 || byService.Spec.Endpoints[0].Port != service.Spec.Ports[0].Name {
		t.Errorf("the ServiceMonitor does not select its Service and port: %+v", byService.Spec)
	}
	if webhook := decode[corev1.Service](t, base, "40-service.yaml"); selects(t, byService, webhook.Labels) {
		t.Error("the ServiceMonitor selects the Service of the webhook")
	}
	if got := service.Labels[byService.Spec.JobLabel]; got != "pullgate" {
		t.Errorf("the job of the ServiceMonitor is %q", got)
	}
	if diff := cmp.Diff(deployment.Spec.Selector.MatchLabels, service.Spec.Selector); diff != "" || !isPort(service.Spec.Ports[0].TargetPort.StrVal) {
		t.Errorf("the Service does not select the pods and their port (-deployment +service):\n%s", diff)
	}
	patch := decode[map[string]any](t, component, "patch-podmonitor.yaml")
	if patch["$patch"] != "delete" || patch["kind"] != byPod.Kind || patch["metadata"].(map[string]any)["name"] != byPod.Metadata.Name {
		t.Errorf("the component does not remove the PodMonitor: %v", patch)
	}
}

// A file that is not listed would not be applied.
func TestEveryManifestIsListed(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{folder, filepath.Join(folder, "..", "components", "service-monitor")} {
		k := decode[struct {
			APIVersion string                  `json:"apiVersion"`
			Kind       string                  `json:"kind"`
			Resources  []string                `json:"resources"`
			Patches    []struct{ Path string } `json:"patches"`
			Generated  []struct {
				Name      string         `json:"name"`
				Namespace string         `json:"namespace"`
				Files     []string       `json:"files"`
				Options   map[string]any `json:"options"`
			} `json:"configMapGenerator"`
		}](t, dir, "kustomization.yaml")
		listed := append([]string{"kustomization.yaml"}, k.Resources...)
		for _, p := range k.Patches {
			listed = append(listed, p.Path)
		}
		slices.Sort(listed)
		paths, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var present []string
		for _, path := range paths {
			present = append(present, filepath.Base(path))
		}
		if diff := cmp.Diff(present, listed); diff != "" {
			t.Errorf("%s (-present +listed):\n%s", dir, diff)
		}
		for _, g := range k.Generated {
			if g.Namespace != "pullgate-system" || !slices.Equal(g.Files, []string{"pullgate.json=dashboard.json"}) {
				t.Errorf("the ConfigMap of the dashboard is %+v", g)
			}
		}
	}
}
