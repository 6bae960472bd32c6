package cluster

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
)

func node(status corev1.ConditionStatus, taints ...string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName}}
	if status != "" {
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: status}}
	}
	for _, key := range taints {
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: key})
	}
	return n
}

func TestConditions(t *testing.T) {
	t.Parallel()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "default"}}
	tests := map[string]struct {
		condition condition
		objects   []runtime.Object
		want      bool
		fails     bool
	}{
		"no node":                                  {condition: nodeReady},
		"a node without a status":                  {condition: nodeReady, objects: []runtime.Object{node("")}},
		"a node that is not ready":                 {condition: nodeReady, objects: []runtime.Object{node(corev1.ConditionFalse)}},
		"a node with the taint of an unready node": {condition: nodeReady, objects: []runtime.Object{node(corev1.ConditionTrue, corev1.TaintNodeNotReady)}},
		"a node with another taint":                {condition: nodeReady, objects: []runtime.Object{node(corev1.ConditionTrue, "mine")}, want: true},
		"a ready node":                             {condition: nodeReady, objects: []runtime.Object{node(corev1.ConditionTrue)}, want: true},
		"no service account":                       {condition: serviceAccountExists, fails: true},
		"a service account":                        {condition: serviceAccountExists, objects: []runtime.Object{account}, want: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.condition.isMet(t.Context(), fake.NewClientset(tt.objects...))
			if got != tt.want || (err != nil) != tt.fails {
				t.Errorf("got %v and error %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestAPIServerReady(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"ready": http.StatusOK, "not ready": http.StatusInternalServerError} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/readyz" {
					t.Errorf("got a request for %s, want /readyz", r.URL.Path)
				}
				w.WriteHeader(status)
			}))
			defer server.Close()
			client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			got, err := apiServerReady.isMet(t.Context(), client)
			if want := status == http.StatusOK; got != want || (err == nil) != want {
				t.Errorf("got %v and error %v, want %v", got, err, want)
			}
		})
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	tests := map[string]struct {
		met  bool
		err  error
		want string
	}{
		"it is met":        {met: true},
		"it is not met":    {want: "waiting for it: context canceled"},
		"an error":         {err: broken, want: "waiting for it: context canceled: broken"},
		"met and an error": {met: true, err: broken, want: "waiting for it: context canceled: broken"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			c := condition{"it", func(context.Context, kubernetes.Interface) (bool, error) { return tt.met, tt.err }}
			err := c.await(ctx, fake.NewClientset())
			if (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAwaitWithoutAKubeconfig(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir()}
	if err := p.await(t.Context(), nodeReady); err == nil || !strings.Contains(err.Error(), "reading the kubeconfig") {
		t.Errorf("got error %v, want an error about the kubeconfig", err)
	}
	if _, err := (&Cluster{plan: p}).Config(); err == nil || !strings.Contains(err.Error(), "reading the kubeconfig") {
		t.Errorf("Config: got error %v, want an error about the kubeconfig", err)
	}
}
