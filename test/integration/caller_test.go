package integration

import (
	"errors"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// caller is an administrator's client that records warnings.
type caller struct {
	t        *testing.T
	client   client.Client
	warnings *warnings
}

func (e *environment) caller(t *testing.T) *caller {
	t.Helper()
	w := &warnings{}
	config := rest.CopyConfig(e.config)
	config.WarningHandler = w
	c, err := client.New(config, client.Options{HTTPClient: e.http, Mapper: e.mapper})
	if err != nil {
		t.Fatalf("making a client: %v", err)
	}
	return &caller{t, c, w}
}

// response is the API server's response to one request.
type response struct {
	err      error
	warnings []string
}

// denied reports whether the object was denied, by any plugin.
func (a response) denied() bool { return apierrors.IsForbidden(a.err) }

func (c *caller) create(object client.Object, options ...client.CreateOption) response {
	err := c.client.Create(c.t.Context(), object, options...)
	return response{err, c.warnings.take()}
}

func (c *caller) update(object client.Object) response {
	err := c.client.Update(c.t.Context(), object)
	return response{err, c.warnings.take()}
}

// updateEphemeralContainers updates the subresource of the pod, as kubectl debug does.
func (c *caller) updateEphemeralContainers(pod *corev1.Pod) response {
	err := c.client.SubResource("ephemeralcontainers").Update(c.t.Context(), pod)
	return response{err, c.warnings.take()}
}

// must ends the test unless the request succeeded.
func (c *caller) must(a response) {
	c.t.Helper()
	if a.err != nil {
		c.t.Fatal(a.err)
	}
}

// get reads the current state of the object into it.
func (c *caller) get(object client.Object) {
	c.t.Helper()
	if err := c.client.Get(c.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		c.t.Fatal(err)
	}
}

// status returns the API server's status of a failed request; the zero value otherwise.
func (a response) status() metav1.Status {
	var status apierrors.APIStatus
	if errors.As(a.err, &status) {
		return status.Status()
	}
	return metav1.Status{}
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

// take returns the warnings since the last call.
func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	texts := w.texts
	w.texts = nil
	return texts
}

// namespace creates a namespace with the mode, or without a mode if it is empty, and returns its name. It also creates the service
// account, as a controller would: without it the API server denies every pod.
func (e *environment) namespace(t *testing.T, mode string, objects ...client.Object) string {
	t.Helper()
	c := e.caller(t)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if mode != "" {
		ns.Labels = map[string]string{"pullgate.dev/mode": mode}
	}
	c.must(c.create(ns))
	objects = append([]client.Object{&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}}, objects...)
	for _, object := range objects {
		object := object.DeepCopyObject().(client.Object)
		object.SetNamespace(ns.Name)
		c.must(c.create(object))
	}
	return ns.Name
}

// newPod returns a pod named "web" with one container for each image: "web", "web-more", "web-more-more" and so on.
func newPod(namespace string, images ...string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"}}
	for i, image := range images {
		name := "web" + strings.Repeat("-more", i)
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: name, Image: image})
	}
	return pod
}
