//go:build e2e

package e2e

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// timeout bounds every wait. It is longer than the longest delay of the kubelet between two pulls.
	timeout = 2 * time.Minute
	// pollInterval is the time between two evaluations of a condition.
	pollInterval = 200 * time.Millisecond
	// systemNamespace is the namespace of Pullgate in the manifests.
	systemNamespace = "pullgate-system"
)

// environment is the cluster and the registry, which all tests share.
type environment struct {
	config   *rest.Config
	client   kubernetes.Interface
	registry *podRegistry
}

// newEnvironment starts the registry. The cluster must not have Pullgate, because the tests install and remove it.
func newEnvironment(t *testing.T) *environment {
	path := os.Getenv("KUBECONFIG")
	if path == "" {
		t.Fatal(`KUBECONFIG is not set: name a cluster that the tests may change, or run "make test-e2e"`)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatalf("reading %s: %v", path, err)
	}
	config.QPS = -1
	e := &environment{config: config}
	e.client, _ = e.caller(t)
	switch _, err := e.client.CoreV1().Namespaces().Get(t.Context(), systemNamespace, metav1.GetOptions{}); {
	case err == nil:
		t.Fatalf("the cluster already has a namespace %s: use a cluster without Pullgate", systemNamespace)
	case !apierrors.IsNotFound(err):
		t.Fatalf("reading from the cluster of %s: %v", path, err)
	}
	e.registry = e.startRegistry(t)
	return e
}

// caller returns a client, and the warnings that it gets.
func (e *environment) caller(t *testing.T) (kubernetes.Interface, *warnings) {
	t.Helper()
	w := &warnings{}
	config := rest.CopyConfig(e.config)
	config.WarningHandler = w
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatalf("making a client: %v", err)
	}
	return client, w
}

// warnings collects what the API server sends in Warning headers.
type warnings struct {
	mu    sync.Mutex
	texts []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, text)
}

func (w *warnings) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.texts...)
}

// namespace creates a namespace with the mode, or without a mode if it is empty, and returns its name when pods can be created
// in it. The namespace is deleted at the end of the test.
func (e *environment) namespace(t *testing.T, mode string) string {
	t.Helper()
	return e.createNamespace(t, metav1.ObjectMeta{GenerateName: "pullgate-e2e-"}, mode)
}

func (e *environment) createNamespace(t *testing.T, meta metav1.ObjectMeta, mode string) string {
	t.Helper()
	meta.Labels = map[string]string{
		// For clusters that are strict by default: the registry needs the network of its node.
		"pod-security.kubernetes.io/enforce": "privileged", "pod-security.kubernetes.io/warn": "privileged",
	}
	if mode != "" {
		meta.Labels["pullgate.dev/mode"] = mode
	}
	ns := &corev1.Namespace{ObjectMeta: meta}
	ns, err := e.client.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := e.client.CoreV1().Namespaces().Delete(context.WithoutCancel(t.Context()), ns.Name, metav1.DeleteOptions{})
		if err != nil {
			t.Errorf("deleting namespace %s: %v", ns.Name, err)
		}
	})
	eventually(t, "a service account", func(ctx context.Context) (bool, any) {
		_, err := e.client.CoreV1().ServiceAccounts(ns.Name).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, err
	})
	return ns.Name
}

// eventually waits until the condition holds. Otherwise it ends the test and prints the last state.
func eventually(t *testing.T, what string, condition func(context.Context) (holds bool, state any)) {
	t.Helper()
	var last any
	err := wait.PollUntilContextTimeout(t.Context(), pollInterval, timeout, true, func(ctx context.Context) (bool, error) {
		holds, state := condition(ctx)
		last = state
		return holds, nil
	})
	if err != nil {
		t.Fatalf("waiting for %s: %v; last state: %+v", what, err, last)
	}
}
