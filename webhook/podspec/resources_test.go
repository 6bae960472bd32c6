package podspec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestDecodeReadsQuantitiesAsTheAPIServer(t *testing.T) {
	t.Parallel()
	const ignored = ""
	for text, want := range map[string]string{
		`2`: "2", `0.5`: "500m", `1e3`: "1e3", `"250m"`: "250m", `"1E"`: "1E", `"1Ei"`: "1Ei", `"5e-1"`: "500m", `"2E+3"`: "2e3", `null`: "0",
		// The API server rejects these.
		`""`: ignored, `"many"`: ignored, `"1 Gi"`: ignored, `true`: ignored, `{}`: ignored, `[1]`: ignored, `{"a":1,"b":"2"}`: ignored, `["a","b"]`: ignored,
		// These would take long to parse. The API server writes every quantity in a short form.
		`1e-2147483647`: ignored, `"1E-2147483647"`: ignored, `"1` + strings.Repeat("0", 1<<16) + `"`: ignored,
	} {
		t.Run(text[:min(len(text), 16)], func(t *testing.T) {
			t.Parallel()
			list := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}
			if want != ignored {
				list[corev1.ResourceCPU] = resource.MustParse(want)
			}
			requirements := fmt.Sprintf(`{"requests": { "cpu" : %s , "memory" : "1Gi" } }`, text)
			got := decode(t, objectOf(core("Pod"), `"spec":{"containers":[{"image":"a","resources":`+requirements+`}]}`))
			if diff := cmp.Diff(list, got.Spec.Containers[0].Resources.Requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeReducesAPodWithoutResourcesToNone(t *testing.T) {
	t.Parallel()
	got := decode(t, objectOf(core("Pod"), `"spec":{"containers":[{"image":"a","resources":{}},{"image":"b","resources":{"requests":null,"limits":7}}],"resources":{},
		"initContainers":[{"image":"c","restartPolicy":"Always","resources":{"limits":{}}}],"volumes":[{"name":"v","emptyDir":{}}]}`))
	if diff := cmp.Diff(&corev1.PodSpec{}, got.Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}
