package flood

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientcmd "k8s.io/client-go/tools/clientcmd/api"
	clientcmdlatest "k8s.io/client-go/tools/clientcmd/api/latest"
)

// startAPIServer starts a stub of an API server, which has the namespaces in mode enforce and one node. It returns the path of a
// kubeconfig. Objects never change, so that a watch has no events.
func startAPIServer(t *testing.T, namespaces []string) (kubeconfig string) {
	t.Helper()
	var list []metav1.PartialObjectMetadata
	for _, name := range namespaces {
		list = append(list, metav1.PartialObjectMetadata{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pullgate.dev/mode": "enforce"}},
		})
	}
	node := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node"}}
	node.Status.NodeInfo.OperatingSystem, node.Status.NodeInfo.Architecture = "linux", "amd64"
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	// Without any image the list would be taken for one that the node has not reported yet.
	node.Status.Images = []corev1.ContainerImage{{Names: []string{"registry.example/pause:1"}, SizeBytes: 1}}
	version := metav1.ListMeta{ResourceVersion: "1"}
	objects := map[string]any{
		"/api":  metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}},
		"/apis": metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}},
		"/api/v1": metav1.APIResourceList{
			TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: "v1", APIResources: []metav1.APIResource{
				{Name: "namespaces", Kind: "Namespace", Verbs: metav1.Verbs{"get", "list", "watch"}},
				{Name: "nodes", Kind: "Node", Verbs: metav1.Verbs{"get", "list", "watch"}},
				{Name: "configmaps", Kind: "ConfigMap", Namespaced: true, Verbs: metav1.Verbs{"get", "list", "watch"}},
				{Name: "secrets", Kind: "Secret", Namespaced: true, Verbs: metav1.Verbs{"get"}},
			},
		},
		"/api/v1/namespaces": metav1.PartialObjectMetadataList{
			TypeMeta: metav1.TypeMeta{Kind: "PartialObjectMetadataList", APIVersion: "meta.k8s.io/v1"}, ListMeta: version, Items: list,
		},
		"/api/v1/nodes": corev1.NodeList{
			TypeMeta: metav1.TypeMeta{Kind: "NodeList", APIVersion: "v1"}, ListMeta: version, Items: []corev1.Node{node},
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		object, known := objects[r.URL.Path]
		query := r.URL.Query()
		switch {
		case query.Get("sendInitialEvents") != "": // the client lists the objects then
			w.WriteHeader(http.StatusUnprocessableEntity)
			object = metav1.Status{
				TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
				Reason: metav1.StatusReasonInvalid, Code: http.StatusUnprocessableEntity,
			}
		case query.Get("watch") != "":
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		case !known && strings.HasSuffix(r.URL.Path, "/configmaps"):
			object = corev1.ConfigMapList{TypeMeta: metav1.TypeMeta{Kind: "ConfigMapList", APIVersion: "v1"}, ListMeta: version}
		case !known:
			w.WriteHeader(http.StatusNotFound)
			object = metav1.Status{
				TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
				Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound,
			}
		}
		_ = json.NewEncoder(w).Encode(object)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	config := clientcmd.NewConfig()
	config.Clusters["test"] = &clientcmd.Cluster{Server: server.URL}
	config.Contexts["test"] = &clientcmd.Context{Cluster: "test"}
	config.CurrentContext = "test"
	data, err := runtime.Encode(clientcmdlatest.Codec, config)
	if err != nil {
		t.Fatalf("writing a kubeconfig: %v", err)
	}
	kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return kubeconfig
}
