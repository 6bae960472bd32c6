package engine

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/podspec"
)

// nodeList is a nodes.Client with these nodes.
type nodeList []corev1.Node

func (l nodeList) List(context.Context, metav1.ListOptions) (*corev1.NodeList, error) {
	return &corev1.NodeList{Items: l}, nil
}

func (nodeList) Watch(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return watch.NewFake(), nil
}

// The image is for arm64, and the only node is small, for amd64 and without a GPU. An arm64 node may join for a pod that it
// cannot hold.
func TestNodesThatCannotHoldADecodedPodDoNotDecideItsVerdict(t *testing.T) {
	t.Parallel()
	server, err := registry.Start(registry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if _, err := server.PushEntries("shop/web:1", registry.Entry{Platform: imagepull.Platform{OS: "linux", Architecture: "arm64"}}); err != nil {
		t.Fatal(err)
	}
	small := corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "small", Labels: map[string]string{corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64"}},
		Status: corev1.NodeStatus{
			Allocatable: corev1.ResourceList{"cpu": resource.MustParse("4"), "memory": resource.MustParse("8Gi")},
			Images:      []corev1.ContainerImage{{Names: []string{"registry.k8s.io/pause:3.10"}}},
		},
	}
	snapshot, err := nodes.List(t.Context(), nodeList{small}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Egress.Allow = []string{server.Addr()}
	e := newEngine(t, c, Options{Cluster: Cluster{Nodes: snapshot}})
	for name, test := range map[string]struct {
		container, spec string
		want            imagepull.Reason
	}{
		"no resources":    {``, ``, imagepull.ReasonPlatformMismatch},
		"enough":          {`,"resources":{"requests":{"cpu":"3","memory":"1Gi"}}`, ``, imagepull.ReasonPlatformMismatch},
		"another volume":  {``, `,"volumes":[{"name":"a","emptyDir":{}}]`, imagepull.ReasonPlatformMismatch},
		"no quantity":     {`,"resources":{"requests":{"cpu":"many"}}`, ``, imagepull.ReasonPlatformMismatch},
		"a GPU":           {`,"resources":{"limits":{"nvidia.com/gpu":1}}`, ``, imagepull.ReasonSomePlatforms},
		"processors":      {`,"resources":{"requests":{"cpu":"4500m"}}`, ``, imagepull.ReasonSomePlatforms},
		"of an init":      {``, `,"initContainers":[{"resources":{"requests":{"memory":"9Gi"}}}]`, imagepull.ReasonSomePlatforms},
		"of a sidecar":    {`,"resources":{"requests":{"cpu":3}}`, `,"initContainers":[{"restartPolicy":"Always","resources":{"requests":{"cpu":2}}}]`, imagepull.ReasonSomePlatforms},
		"before a start":  {`,"resources":{"requests":{"cpu":3}}`, `,"initContainers":[{"resources":{"requests":{"cpu":2}}}]`, imagepull.ReasonPlatformMismatch},
		"of the pod":      {``, `,"resources":{"requests":{"cpu":5}}`, imagepull.ReasonSomePlatforms},
		"overhead":        {`,"resources":{"requests":{"cpu":3}}`, `,"overhead":{"cpu":"2"}`, imagepull.ReasonSomePlatforms},
		"claimed device":  {``, `,"resourceClaims":[{"name":"gpu","resourceClaimName":"gpu"}]`, imagepull.ReasonSomePlatforms},
		"claimed volume":  {``, `,"volumes":[{"name":"a","persistentVolumeClaim":{"claimName":"a"}}]`, imagepull.ReasonSomePlatforms},
		"volume template": {``, `,"volumes":[{"name":"a","ephemeral":{"volumeClaimTemplate":{}}}]`, imagepull.ReasonSomePlatforms},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object, err := podspec.Decode(fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"image":"%s/shop/web:1"%s}]%s}}`,
				server.Addr(), test.container, test.spec))
			if err != nil {
				t.Fatal(err)
			}
			if got := e.Check(t.Context(), object.Pod, object.Spec)[0]; got.Reason != test.want {
				t.Errorf("got %s: %s, want %s", got.Reason, got.Detail, test.want)
			}
		})
	}
}
