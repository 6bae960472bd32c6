package podspec

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIstioReplacesTheImageAuto(t *testing.T) {
	t.Parallel()
	const (
		proxy   = `{"name":"istio-proxy","image":"auto"}`
		gateway = `{"name":"gateway","image":"auto"}`
	)
	tests := map[string]struct {
		metadata, container string
		want                bool
	}{
		"a template of Istio":               {`{"annotations":{"inject.istio.io/templates":"gateway"}}`, gateway, true},
		"injection by label":                {`{"labels":{"sidecar.istio.io/inject":"true"}}`, gateway, true},
		"injection by label, another value": {`{"labels":{"sidecar.istio.io/inject":"Yes"}}`, gateway, true},
		"injection by annotation":           {`{"annotations":{"sidecar.istio.io/inject":"true"}}`, gateway, true},
		"injection by namespace":            {`{}`, proxy, true},
		"injection by namespace, no labels": {`null`, proxy, true},
		"no sign of Istio":                  {`{}`, gateway, false},
		"an empty template of Istio":        {`{"annotations":{"inject.istio.io/templates":""}}`, gateway, false},
		"no injection":                      {`{"labels":{"sidecar.istio.io/inject":"false"}}`, proxy, false},
		"no injection, a template of Istio": {
			`{"labels":{"sidecar.istio.io/inject":"false"},"annotations":{"inject.istio.io/templates":"gateway"}}`, proxy, false,
		},
		"the label has precedence over the annotation": {
			`{"labels":{"sidecar.istio.io/inject":"false"},"annotations":{"sidecar.istio.io/inject":"true"}}`, proxy, false,
		},
		"an empty label is ignored with its annotation": {
			`{"labels":{"sidecar.istio.io/inject":""},"annotations":{"sidecar.istio.io/inject":"false"}}`, proxy, true,
		},
		"another image": {
			`{"labels":{"sidecar.istio.io/inject":"true"}}`, `{"name":"istio-proxy","image":"docker.io/istio/proxyv2:1.27.0"}`, false,
		},
		"the image with a tag": {
			`{"labels":{"sidecar.istio.io/inject":"true"}}`, `{"name":"istio-proxy","image":"auto:latest"}`, false,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := fmt.Sprintf(`"metadata":%s,"spec":{"containers":[%s],"initContainers":[%s]}`, test.metadata, test.container, test.container)
			for _, object := range []string{
				`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{` + pod + `}}}`,
				`{"apiVersion":"batch/v1","kind":"CronJob","spec":{"jobTemplate":{"spec":{"template":{` + pod + `}}}}}`,
				`{"apiVersion":"v1","kind":"PodTemplate","template":{` + pod + `}}`,
				`{"apiVersion":"v1","kind":"Pod",` + pod + `}`,
			} {
				got := decode(t, object)
				var injected []bool
				for _, use := range got.Pod.Uses {
					injected = append(injected, use.Injected)
				}
				if diff := cmp.Diff([]bool{test.want, test.want}, injected); diff != "" {
					t.Errorf("%s: injected (-want +got):\n%s", got.Kind, diff)
				}
			}
		})
	}
}

func TestIstioReplacesNoImageVolume(t *testing.T) {
	t.Parallel()
	got := decode(t, `{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"sidecar.istio.io/inject":"true"}},
		"spec":{"volumes":[{"name":"data","image":{"reference":"auto"}}]}}`)
	if got.Pod.Uses[0].Injected {
		t.Error("the volume is injected, want it checked")
	}
}
