//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// After its removal, no object of Pullgate exists, and its labels have no effect.
func testUninstall(t *testing.T, e *environment, i installation) {
	namespace, image := e.namespace(t, "enforce"), e.registry.missing(t, "shop/removed")
	if got := e.ownObjects(t); !slices.ContainsFunc(got, func(name string) bool { return strings.HasPrefix(name, "deployments ") }) {
		t.Fatalf("got these objects of Pullgate before its removal, want its Deployment among them: %q", got)
	}
	i.uninstall(t)
	if got := e.ownObjects(t); len(got) > 0 {
		t.Errorf("these objects exist after the removal of Pullgate: %q", got)
	}
	e.admit(t, namespace, e.pod(image))
	e.awaitPod(t, namespace, "web", "to fail", hasFailed)
	e.createDeployment(t, namespace, e.registry.push(t, "shop/removed:1.28"))
	kubectl(t, "rollout", "status", "--namespace="+namespace, "--timeout="+timeout.String(), "deployment/web")
}

// ownObjects returns all objects of the cluster, of any kind, that belong to Pullgate by their name, namespace or label.
func (e *environment) ownObjects(t *testing.T) []string {
	t.Helper()
	config := rest.CopyConfig(e.config)
	// The API server warns about deprecated kinds.
	config.WarningHandler = rest.NoWarnings{}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	lists, err := e.client.Discovery().ServerPreferredResources()
	if err != nil {
		t.Fatalf("listing the kinds of the cluster: %v", err)
	}
	var own []string
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "delete"}}, lists) {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range list.APIResources {
			// The cluster itself deletes events.
			if kind.Name == "events" {
				continue
			}
			objects, err := client.Resource(version.WithResource(kind.Name)).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatalf("listing %s: %v", kind.Name, err)
			}
			for i := range objects.Items {
				if isOwn(&objects.Items[i]) {
					own = append(own, kind.Name+" "+objects.Items[i].Namespace+"/"+objects.Items[i].Name)
				}
			}
		}
	}
	return own
}

// isOwn reports whether an object belongs to Pullgate, and not to the tests or to a cluster that is named after them.
func isOwn(object *metav1.PartialObjectMetadata) bool {
	const tests = "pullgate-e2e-"
	if strings.HasPrefix(object.Namespace, tests) || strings.Contains(object.Name, tests) {
		return false
	}
	return object.Namespace == systemNamespace || strings.Contains(object.Name, "pullgate") ||
		object.Labels["app.kubernetes.io/name"] == "pullgate"
}
