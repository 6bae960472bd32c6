package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/pullgate/pullgate/webhook/nodes"
)

// localRegistry is what the cluster says of localhost:5001: that it is the shop's registry.
func (s shop) localRegistry() corev1.ConfigMapList {
	list := corev1.ConfigMapList{Items: []corev1.ConfigMap{{
		ObjectMeta: metav1.ObjectMeta{Namespace: nodes.LocalRegistryNamespace, Name: nodes.LocalRegistryName},
		Data: map[string]string{
			"localRegistryHosting.v1": s.fill(`{"host": "localhost:5001", "hostFromClusterNetwork": "HOST"}`),
		},
	}}}
	list.APIVersion, list.Kind = "v1", "ConfigMapList"
	return list
}

// apiServer answers lists of nodes, with a node that holds an image, describes a local registry, and knows a service account. It writes the kubeconfig for
// it into the shop's folder. Any other request is one too many.
func (s shop) apiServer(t *testing.T, status int) {
	t.Helper()
	list := corev1.NodeList{Items: []corev1.Node{{
		ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64"}},
		Status:     corev1.NodeStatus{Images: []corev1.ContainerImage{{Names: []string{s.host + "/shop/web:loaded"}}}},
	}}}
	list.APIVersion, list.Kind = "v1", "NodeList"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = list
		switch {
		case r.URL.Path == "/api/v1/namespaces/shop/serviceaccounts/default":
			answer = corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}}
		case r.URL.Path == "/api/v1/namespaces/kube-public/configmaps" && status == http.StatusOK:
			answer = s.localRegistry()
		case r.URL.Path == "/api/v1/namespaces/kube-public/configmaps":
		case r.URL.Path != "/api/v1/nodes":
			t.Errorf("the API server was asked for %s", r.URL.Path)
		case status == http.StatusForbidden:
			answer = apierrors.NewForbidden(schema.GroupResource{Resource: "nodes"}, "", nil).Status()
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	s.write(t, "kubeconfig", `
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "`+server.URL+`"}}]
contexts: [{name: c, context: {cluster: c}}]
current-context: c
`)
}

// checkCluster runs the command against a cluster.
func (s shop) checkCluster(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(s.fill(stdin)), Out: &out, ErrOut: &errOut}
	all := []string{"check", "--config", filepath.Join(s.dir, "config.yaml"), "--kubeconfig", filepath.Join(s.dir, "kubeconfig")}
	for _, arg := range args {
		all = append(all, s.fill(arg))
	}
	return run(t.Context(), streams, all), out.String(), errOut.String()
}

// loadedPod is one whose image is on the node and in no registry.
const loadedPod = `
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - {name: web, image: "HOST/shop/web:loaded"}
`

func TestCheckWithNodes(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	s.apiServer(t, http.StatusOK)
	s.write(t, "unwatched.yaml", `
apiVersion: pullgate.dev/v1alpha1
kind: Configuration
nodes: {watch: false}
egress: {allow: [HOST]}
`)
	tests := map[string]struct {
		args       []string
		wantStatus int
		wantOut    string
	}{
		"on the node":                 {[]string{"-f", "-"}, exitOK, "PresentOnNode"},
		"not for the nodes":           {[]string{"HOST/shop/arm:1"}, exitUnpullable, "offers linux/arm64, the nodes are linux/amd64"},
		"not for them, but declared":  {[]string{"HOST/shop/arm:1", "--platform", "linux/arm64"}, exitOK, "Pullable"},
		"not for them, but offline":   {[]string{"HOST/shop/arm:1", "--offline"}, exitOK, "Pullable"},
		"not for them, with a secret": {[]string{"HOST/shop/arm:1", "--pull-secret", "DIR/wrong.json"}, exitUnpullable, "AccessDenied"},
		"not for them, and unwatched": {[]string{"HOST/shop/arm:1", "--config", "DIR/unwatched.yaml"}, exitOK, "Pullable"},
		"a bare image is pulled":      {[]string{"HOST/shop/web:loaded"}, exitUnpullable, "NotFound"},
		"a good one":                  {[]string{"HOST/shop/web:1.27"}, exitOK, "Pullable"},

		"in the local registry":                {[]string{"localhost:5001/shop/web:1.27"}, exitOK, "Pullable"},
		"not in the local registry":            {[]string{"localhost:5001/shop/web:loaded"}, exitUnpullable, "NotFound"},
		"in the local registry, but offline":   {[]string{"localhost:5001/shop/web:1.27", "--offline"}, exitOK, "NodeLocalRegistry"},
		"in the local registry, but unwatched": {[]string{"localhost:5001/shop/web:1.27", "--config", "DIR/unwatched.yaml"}, exitOK, "NodeLocalRegistry"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := s.checkCluster(t, loadedPod, tt.args...)
			if status != tt.wantStatus || !strings.Contains(stdout, tt.wantOut) || stderr != "" {
				t.Errorf("status %d, want %d; stdout:\n%s\nwant %q in it; stderr:\n%s", status, tt.wantStatus, stdout, tt.wantOut, stderr)
			}
			if strings.Contains(stdout, "the nodes are not known") {
				t.Errorf("stdout:\n%s\nwant no remark on the nodes", stdout)
			}
		})
	}
}

// TestCheckWithoutNodes: who may not list nodes is told, and gets the answers that can be given.
func TestCheckWithoutNodes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		want   string
	}{
		"forbidden": {http.StatusForbidden, "the nodes are not known (listing them is not allowed)"},
		"broken":    {http.StatusNotImplemented, "the nodes are not known (the API server gave no answer)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t)
			s.apiServer(t, tt.status)
			status, stdout, stderr := s.checkCluster(t, "", "HOST/shop/arm:1", "localhost:5001/shop/web:1.27")
			if status != exitOK || !strings.Contains(stdout, tt.want) || !strings.Contains(stdout, "NodeLocalRegistry") || stderr != "" {
				t.Errorf("status %d, stdout:\n%s\nwant %q in it", status, stdout, tt.want)
			}
		})
	}
	t.Run("no such kubeconfig", func(t *testing.T) {
		t.Parallel()
		status, _, stderr := openShop(t).checkCluster(t, "", "HOST/shop/arm:1")
		if status != exitUsage || !strings.Contains(stderr, "finding the API server") {
			t.Errorf("status %d, stderr:\n%s\nwant the kubeconfig to be missed", status, stderr)
		}
	})
}
