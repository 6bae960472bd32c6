package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes/localregistry"
)

// fixture is a registry on loopback with public and private repositories, and a directory with files for it.
type fixture struct {
	dir, host, digest string
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	server, err := registry.Start(registry.Config{
		Auth:            registry.AuthBearer,
		Accounts:        []registry.Account{{Username: "ci", Password: "hunter2", Repositories: []string{"shop/private"}}},
		Public:          []string{"shop/web", "shop/arm"},
		ChallengePublic: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	f := fixture{dir: t.TempDir(), host: server.Addr()}
	if f.digest, err = server.PushImage("shop/web:1.27"); err != nil {
		t.Fatal(err)
	}
	if _, err := server.PushImage("shop/private:1"); err != nil {
		t.Fatal(err)
	}
	if _, err := server.PushIndex("shop/arm:1", imagepull.Platform{OS: "linux", Architecture: "arm64"}); err != nil {
		t.Fatal(err)
	}
	f.write(t, "config.yaml", `
apiVersion: pullgate.dev/v1alpha1
kind: Configuration
egress: {allow: [HOST]}
`)
	f.write(t, "crio.yaml", "apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\nnodes: {runtime: cri-o}\n")
	f.write(t, "regcred.json", `{"auths":{"HOST":{"username":"ci","password":"hunter2"}}}`)
	f.write(t, "wrong.json", `{"auths":{"HOST":{"username":"ci","password":"hunter3"}}}`)
	return f
}

// fill replaces HOST, DIGEST and DIR in a text.
func (f fixture) fill(text string) string {
	return strings.NewReplacer("HOST", f.host, "DIGEST", f.digest, "DIR", f.dir).Replace(text)
}

func (f fixture) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(f.fill(text)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// check runs "pullgate check" offline with the configuration of the fixture, unless the arguments override it.
func (f fixture) check(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(f.fill(stdin)), Out: &out, ErrOut: &errOut}
	all := []string{"check", "--offline"}
	for _, arg := range append([]string{"--config", "DIR/config.yaml"}, args...) {
		all = append(all, f.fill(arg))
	}
	status = run(t.Context(), streams, all)
	return status, out.String(), errOut.String()
}

const pod = `
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - {name: web, image: "HOST/shop/web:1.27-alpin"}
`

// newDeepFixture returns a fixture with a complete image, one of another architecture, and one without its blobs.
func newDeepFixture(t *testing.T) fixture {
	t.Helper()
	server, err := registry.Start(registry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	f := fixture{dir: t.TempDir(), host: server.Addr()}
	if f.digest, err = server.PushImage("shop/web:1.27"); err != nil {
		t.Fatal(err)
	}
	arm := imagepull.Platform{OS: "linux", Architecture: "arm64"}
	if _, err := server.PushImage("shop/arm:1", registry.WithPlatform(arm)); err != nil {
		t.Fatal(err)
	}
	if _, err := server.PushImage("shop/lost:1"); err != nil {
		t.Fatal(err)
	}
	if err := server.DeleteBlobs("shop/lost:1"); err != nil {
		t.Fatal(err)
	}
	const config = "apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\negress: {allow: [HOST]}\n"
	f.write(t, "config.yaml", config)
	f.write(t, "deep.yaml", config+"deep: true\n")
	return f
}

// localRegistry returns the ConfigMap that declares the fixture's registry as localhost:5001.
func (f fixture) localRegistry() corev1.ConfigMapList {
	list := corev1.ConfigMapList{Items: []corev1.ConfigMap{{
		ObjectMeta: metav1.ObjectMeta{Namespace: localregistry.Namespace, Name: localregistry.Name},
		Data: map[string]string{
			"localRegistryHosting.v1": f.fill(`{"host": "localhost:5001", "hostFromClusterNetwork": "HOST"}`),
		},
	}}}
	list.APIVersion, list.Kind = "v1", "ConfigMapList"
	return list
}

// apiServer starts an API server with a node that has an image, a local registry and a service account, and writes a kubeconfig
// for it. Every response has the status. Any other request is an error.
func (f fixture) apiServer(t *testing.T, status int) {
	t.Helper()
	list := corev1.NodeList{Items: []corev1.Node{{
		ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64"}},
		Status:     corev1.NodeStatus{Images: []corev1.ContainerImage{{Names: []string{f.host + "/shop/web:loaded"}}}},
	}}}
	list.APIVersion, list.Kind = "v1", "NodeList"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var response any = list
		switch {
		case r.URL.Path == "/api/v1/namespaces/shop/serviceaccounts/default":
			response = corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}}
		case r.URL.Path == "/api/v1/namespaces/kube-public/configmaps" && status == http.StatusOK:
			response = f.localRegistry()
		case r.URL.Path == "/api/v1/namespaces/kube-public/configmaps":
		case r.URL.Path != "/api/v1/nodes":
			t.Errorf("the API server got a request for %s", r.URL.Path)
		case status == http.StatusForbidden:
			response = apierrors.NewForbidden(schema.GroupResource{Resource: "nodes"}, "", nil).Status()
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(response); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	f.write(t, "kubeconfig", `
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "`+server.URL+`"}}]
contexts: [{name: c, context: {cluster: c}}]
current-context: c
`)
}

// checkCluster runs "pullgate check" with the cluster of apiServer.
func (f fixture) checkCluster(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(f.fill(stdin)), Out: &out, ErrOut: &errOut}
	all := []string{"check", "--config", filepath.Join(f.dir, "config.yaml"), "--kubeconfig", filepath.Join(f.dir, "kubeconfig")}
	for _, arg := range args {
		all = append(all, f.fill(arg))
	}
	return run(t.Context(), streams, all), out.String(), errOut.String()
}
