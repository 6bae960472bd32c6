package integration

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// onNodesOnly is a registry on the nodes' loopback. Pullgate reaches it only if the cluster declares another address.
const onNodesOnly = "localhost:5001"

// testLocalRegistry declares a local registry while Pullgate runs with its shipped rights.
func testLocalRegistry(t *testing.T, e *environment) {
	e.testPod(t, e.namespace(t, "enforce"), podCase{
		images: []string{onNodesOnly + "/public/web:1.27"},
		want: indeterminate("NodeLocalRegistry", `container "web": image "localhost:5…lic/web:1.27" could not be checked: `+
			`NodeLocalRegistry: a loopback registry is the node's own, which Pullgate cannot reach`),
	})
	c := e.caller(t)
	c.must(c.create(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-public", Name: "local-registry-hosting"},
		Data: map[string]string{
			"localRegistryHosting.v1": e.registry.expand(`{"host": "` + onNodesOnly + `", "hostFromClusterNetwork": "REGISTRY"}`),
		},
	}))
	namespace := e.namespace(t, "enforce")
	eventually(t, "the local registry to be known", func(context.Context) bool {
		got := e.caller(t).create(newPod(namespace, onNodesOnly+"/public/web:1.27"), client.DryRunAll)
		return got.err == nil && got.warnings == nil
	})
	e.testPod(t, e.namespace(t, "enforce"), podCase{
		images: []string{onNodesOnly + "/public/web:gone"},
		want: outcome{
			Denied: `container "web": image "` + onNodesOnly + `/public/web:gone" cannot be pulled: NotFound: ` +
				`local registry REGISTRY: tag not found; push the image or correct its name`,
			Audited: "Unpullable NotFound",
		},
	})
}
