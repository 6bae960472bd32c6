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

// The scheduler adds the requests of ordinary containers, and compares them with each init container.
func TestDecodeAddsTheRequestsOfContainers(t *testing.T) {
	t.Parallel()
	quantities := func(pairs ...string) corev1.ResourceList {
		list := make(corev1.ResourceList)
		for i := 0; i < len(pairs); i += 2 {
			list[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
		}
		return list
	}
	for name, test := range map[string]struct {
		containers, initContainers string
		want                       corev1.ResourceList
		wantInit                   []corev1.ResourceList
	}{
		"requests": {
			containers: `{"requests":{"cpu":"100m","memory":"64Mi"}},{},{"requests":{"memory":"1Gi","cpu":1}}`,
			want:       quantities("cpu", "1100m", "memory", "1088Mi"),
		},
		"a limit is the default of the request": {
			containers: `{"limits":{"cpu":2,"memory":"2Gi"},"requests":{"cpu":"1"}},{"limits":{"memory":"1Gi"}}`,
			want:       quantities("cpu", "1", "memory", "3Gi"),
		},
		"a request of zero is a request": {
			containers: `{"limits":{"cpu":2},"requests":{"cpu":0}}`, want: quantities("cpu", "0"),
		},
		"the last of equal names counts": {
			containers: `{"requests":{"cpu":1,"cpu":2}}`, want: quantities("cpu", "2"),
		},
		"other resources": {
			containers: `{"requests":{"hugepages-2Mi":"4Mi"},"limits":{"hugepages-2Mi":"4Mi","example.com/gpu":1}},{"limits":{"example.com/gpu":"2"}}`,
			want:       quantities("hugepages-2Mi", "4Mi", "example.com/gpu", "3"),
		},
		"init containers": {
			containers: `{}`, initContainers: `{"requests":{"cpu":1}},{},{"limits":{"cpu":2}}`,
			wantInit: []corev1.ResourceList{quantities("cpu", "1"), quantities("cpu", "2")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := func(all string) string {
				return `[{"resources":` + strings.ReplaceAll(all, "},{", `}},{"resources":{`) + `}]`
			}
			if test.initContainers == "" {
				test.initContainers = `{}`
			}
			got := decode(t, objectOf(core("Pod"), `"spec":{"containers":`+list(test.containers)+`,"initContainers":`+list(test.initContainers)+`}`))
			var requests corev1.ResourceList
			if len(got.Spec.Containers) > 0 {
				requests = got.Spec.Containers[0].Resources.Requests
			}
			var initRequests []corev1.ResourceList
			for _, c := range got.Spec.InitContainers {
				initRequests = append(initRequests, c.Resources.Requests)
			}
			if diff := cmp.Diff(test.want, requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.wantInit, initRequests); diff != "" {
				t.Errorf("requests of init containers (-want +got):\n%s", diff)
			}
		})
	}
}
