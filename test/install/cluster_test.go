//go:build install

package install

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/pullgate/pullgate/test/controlplane"
	"github.com/pullgate/pullgate/test/process"
)

// cluster is an API server without controllers. The tests delete the content of namespaces, as a controller would.
type cluster struct {
	commandLine
	client   *kubernetes.Clientset
	metadata metadata.Interface
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	dir := t.TempDir()
	programs := controlplane.Programs{Etcd: filepath.Join(assets(), "etcd"), APIServer: filepath.Join(assets(), "kube-apiserver")}
	var log process.Buffer
	plane, err := controlplane.Start(programs, dir, &log)
	if err != nil {
		end := log.String()
		t.Fatalf("starting the control plane (make test-install builds it): %v\n…%s", err, end[max(0, len(end)-2000):])
	}
	t.Cleanup(plane.Stop)
	config := plane.Admin
	config.QPS, config.WarningHandler = -1, rest.NoWarnings{}
	c := &cluster{commandLine: commandLine{home: dir, kubeconfig: plane.Kubeconfig}}
	if c.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if c.metadata, err = metadata.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	c.finalizeNamespaces(t)
	return c
}

// finalizeNamespaces empties and removes namespaces that are deleted, until the test ends.
func (c *cluster) finalizeNamespaces(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	watch, err := c.client.CoreV1().Namespaces().Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	running.Go(func() {
		for event := range watch.ResultChan() {
			namespace, ok := event.Object.(*corev1.Namespace)
			if !ok || namespace.DeletionTimestamp == nil || len(namespace.Spec.Finalizers) == 0 {
				continue
			}
			if err := c.finalize(ctx, namespace); err != nil && ctx.Err() == nil {
				t.Errorf("removing namespace %s: %v", namespace.Name, err)
			}
		}
	})
}

func (c *cluster) finalize(ctx context.Context, namespace *corev1.Namespace) error {
	resources, err := c.resources()
	if err != nil {
		return err
	}
	for _, r := range resources {
		if !r.namespaced || !r.deletable {
			continue
		}
		objects := c.metadata.Resource(r.GroupVersionResource).Namespace(namespace.Name)
		if err := objects.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting %s: %w", r.Resource, err)
		}
	}
	namespace.Spec.Finalizers = nil
	if _, err := c.client.CoreV1().Namespaces().Finalize(ctx, namespace, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	return nil
}

// resource is a resource whose objects can be listed.
type resource struct {
	schema.GroupVersionResource
	namespaced, deletable bool
}

func (c *cluster) resources() ([]resource, error) {
	lists, err := c.client.Discovery().ServerPreferredResources()
	if err != nil {
		return nil, err
	}
	var all []resource
	for _, list := range lists {
		group, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, r := range list.APIResources {
			if slices.Contains(r.Verbs, "list") {
				all = append(all, resource{group.WithResource(r.Name), r.Namespaced, slices.Contains(r.Verbs, "deletecollection")})
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("the API server has no resources")
	}
	return all, nil
}

// snapshot returns the names of all objects in the cluster. The API server itself writes objects of some kinds, which it leaves out.
func (c *cluster) snapshot(t *testing.T) []string {
	t.Helper()
	resources, err := c.resources()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range resources {
		if slices.Contains([]string{"events", "leases", "endpointslices", "ipaddresses"}, r.Resource) {
			continue
		}
		list, err := c.metadata.Resource(r.GroupVersionResource).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatalf("listing %s: %v", r.Resource, err)
		}
		for _, object := range list.Items {
			all = append(all, strings.Join([]string{r.Resource, object.Namespace, object.Name}, "/"))
		}
	}
	slices.Sort(all)
	return all
}
