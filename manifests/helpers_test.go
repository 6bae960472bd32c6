package manifests_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/pullgate/pullgate/webhook/config"
)

// folders returns the folders of the installations. Each is one kustomization.
func folders() []string {
	return []string{
		"base", "self-signed", "cert-manager", "all-namespaces", "namespaced-secrets", "denial-events", "components/all-namespaces",
		"components/namespaced-secrets", "components/denial-events", "components/openshift", "../certs",
	}
}

// overlays returns the folders that an operator applies.
func overlays() []string {
	return []string{"self-signed", "cert-manager", "all-namespaces", "namespaced-secrets", "denial-events"}
}

// numbered matches the name of a file with one object: its number in the apply order, its kind, and a suffix if there are
// several of the kind.
var numbered = regexp.MustCompile(`^\d\d-([a-z]+)(-[a-z]+)*\.yaml$`)

// kustomization holds the fields in use. Any other field is an error.
type kustomization struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Resources  []string `json:"resources"`
	Components []string `json:"components"`
	Patches    []struct {
		Path   string `json:"path"`
		Target struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"target"`
	} `json:"patches"`
	ConfigMapGenerator []configMapGenerator `json:"configMapGenerator"`
}

// configMapGenerator makes a ConfigMap of files. Kustomize appends a hash of the content to the name.
type configMapGenerator struct {
	Name      string   `json:"name"`
	Namespace string   `json:"namespace"`
	Files     []string `json:"files"`
	Options   struct {
		Labels map[string]string `json:"labels"`
	} `json:"options"`
}

// operation is one operation of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// issuer and certificate hold the fields in use of cert-manager's kinds.
type issuer struct {
	meta
	Spec struct {
		SelfSigned *struct{} `json:"selfSigned"`
		CA         *struct {
			SecretName string `json:"secretName"`
		} `json:"ca"`
	} `json:"spec"`
}

type certificate struct {
	meta
	Spec struct {
		IsCA        bool           `json:"isCA"`
		CommonName  string         `json:"commonName"`
		SecretName  string         `json:"secretName"`
		DNSNames    []string       `json:"dnsNames"`
		Usages      []string       `json:"usages"`
		Duration    string         `json:"duration"`
		RenewBefore string         `json:"renewBefore"`
		PrivateKey  map[string]any `json:"privateKey"`
		IssuerRef   struct {
			Group string `json:"group"`
			Kind  string `json:"kind"`
			Name  string `json:"name"`
		} `json:"issuerRef"`
	} `json:"spec"`
}

type meta struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string            `json:"name"`
		Namespace string            `json:"namespace"`
		Labels    map[string]string `json:"labels"`
	} `json:"metadata"`
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("reading manifest: %v", err)
	}
	return data
}

// decode decodes an object of a Kubernetes kind. An unknown field is an error.
func decode[T runtime.Object](t *testing.T, path string) T {
	t.Helper()
	obj, ok := decodeObject(t, path).(T)
	if !ok {
		t.Fatalf("%s: got another kind than %T", path, *new(T))
	}
	return obj
}

func decodeObject(t *testing.T, path string) runtime.Object {
	t.Helper()
	codecs := serializer.NewCodecFactory(clientgoscheme.Scheme, serializer.EnableStrict)
	obj, _, err := codecs.UniversalDeserializer().Decode(read(t, path), nil, nil)
	if err != nil {
		t.Fatalf("decoding %s: %v", path, err)
	}
	return obj
}

// unmarshal decodes any other file. An unknown field is an error.
func unmarshal[T any](t *testing.T, path string) T {
	t.Helper()
	var out T
	if err := yaml.UnmarshalStrict(read(t, path), &out); err != nil {
		t.Fatalf("decoding %s: %v", path, err)
	}
	return out
}

// decodeAny decodes a file of any kind.
func decodeAny(t *testing.T, path string) {
	t.Helper()
	name := filepath.Base(path)
	data := string(read(t, path))
	switch {
	case name == "kustomization.yaml":
		unmarshal[kustomization](t, path)
	case strings.Contains(data, "\nkind: Issuer\n"):
		unmarshal[issuer](t, path)
	case strings.Contains(data, "\nkind: Certificate\n"):
		unmarshal[certificate](t, path)
	case strings.Contains("\n"+data, "\n- op: "):
		unmarshal[[]operation](t, path)
	case name == "config.yaml":
		if _, err := config.Load([]byte(data)); err != nil {
			t.Errorf("loading %s: %v", path, err)
		}
	default:
		decodeObject(t, path)
	}
}

// files returns the sorted names of the YAML files in a folder.
func files(t *testing.T, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		t.Fatalf("listing %s: %v", folder, err)
	}
	names := make([]string, 0, len(paths))
	for _, p := range paths {
		names = append(names, filepath.Base(p))
	}
	slices.Sort(names)
	return names
}
