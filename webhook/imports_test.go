package webhook_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pullgate/pullgate"

// topLevel returns the only folders allowed at the top, apart from dot-folders. Folder bin holds build output.
func topLevel() []string { return []string{"bin", "certs", "cmd", "manifests", "test", "webhook"} }

// anything marks a package that may import every other package except cmd and, in the product, test.
func anything() []string { return []string{"*"} }

// importMap lists the packages of this module that each package may import. It is acyclic: the vocabulary imports nothing,
// pure rules and fenced libraries import the vocabulary, the checker imports those, and webhook/engine wires all.
func importMap() map[string][]string {
	return map[string][]string{
		"webhook/imagepull":   {},
		"webhook/document":    {},
		"webhook/hostpattern": {},
		"webhook/parallel":    {},
		"webhook/ttlcache":    {},
		"webhook/podspec":     {"webhook/imagepull"},
		"webhook/policy":      {"webhook/imagepull"},
		"webhook/events":      {},
		"webhook/metrics":     {"webhook/imagepull"},
		"webhook/report":      {"webhook/imagepull"},
		"webhook/tracing":     {"webhook/imagepull"},
		"webhook/config":      {"webhook/imagepull", "webhook/policy", "webhook/hostpattern"},
		"webhook/credentials": {"webhook/imagepull"},
		"webhook/credentials/secrets": {
			"webhook/imagepull", "webhook/document", "webhook/credentials", "webhook/parallel", "webhook/ttlcache",
		},
		"webhook/credentials/plugin": {
			"webhook/imagepull", "webhook/document", "webhook/credentials", "webhook/parallel", "webhook/ttlcache",
		},
		"webhook/nodes":               {"webhook/imagepull", "webhook/nodes/informer"},
		"webhook/nodes/informer":      {},
		"webhook/nodes/localregistry": {"webhook/nodes/informer"},
		"webhook/registry/hosts":      {},
		"webhook/registry/manifest":   {"webhook/imagepull"},
		"webhook/registry/egress":     {"webhook/hostpattern", "webhook/ttlcache"},
		"webhook/registry/auth": {
			"webhook/imagepull", "webhook/hostpattern", "webhook/ttlcache", "webhook/registry/egress",
		},
		"webhook/registry": {
			"webhook/imagepull", "webhook/parallel", "webhook/ttlcache", "webhook/registry/auth", "webhook/registry/egress",
			"webhook/registry/hosts", "webhook/registry/manifest",
		},
		"webhook/resolve": {"webhook/imagepull", "webhook/parallel", "webhook/ttlcache"},
		"webhook/preflight": {
			"webhook/imagepull", "webhook/hostpattern", "webhook/credentials", "webhook/nodes", "webhook/parallel",
		},
		"webhook/engine": anything(),
		"webhook": {
			"webhook/imagepull", "webhook/parallel", "webhook/podspec", "webhook/policy", "webhook/report", "webhook/ttlcache",
		},
		"certs": {},
		"cmd":   anything(),
		"test":  anything(),
	}
}

// fences lists the only packages that may import a library, so that code that depends on it is in one place. Programs under
// test/ may import all.
func fences() map[string][]string {
	return map[string][]string{
		"os/exec":                           {"webhook/credentials/plugin"},
		"github.com/distribution/reference": {"webhook/podspec"},
		"github.com/google/go-containerregistry/pkg/v1/remote": {"webhook/registry"},
		"github.com/containerd/platforms":                      {"webhook/nodes"},
		"k8s.io/client-go/tools/record":                        {"webhook/events"},
		"k8s.io/component-helpers":                             {"webhook/nodes"},
		"github.com/pelletier/go-toml":                         {"webhook/registry/hosts"},
		"github.com/prometheus/client_golang":                  {"webhook/metrics"},
		"github.com/open-policy-agent/cert-controller":         {"certs"},
		"github.com/spf13/cobra":                               {"cmd"},
		"go.opentelemetry.io":                                  {"webhook/tracing"},
		"golang.org/x/net/http/httpproxy":                      {"webhook/engine"},
		"sigs.k8s.io/controller-runtime":                       {"webhook", "certs", "cmd"},
	}
}

// forbiddenModules returns modules that only the nested modules under test/ may build. Their clients and protocols are enough here.
// The libraries of clouds would find the identity of the node, and a registry of an attacker could receive it. gRPC, which
// OpenTelemetry's exporters contain, would add 22 MB to the program.
func forbiddenModules() []string {
	return []string{
		"k8s.io/kubernetes", "github.com/containerd/containerd", "go.etcd.io/etcd/server",
		"cloud.google.com/go", "github.com/aws", "github.com/awslabs", "github.com/Azure", "google.golang.org/grpc",
	}
}

func TestTopLevelFolders(t *testing.T) {
	t.Parallel()
	list, err := os.ReadDir("..")
	if err != nil {
		t.Fatalf("reading the top level: %v", err)
	}
	for _, e := range list {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(topLevel(), e.Name()) {
			t.Errorf("%s: want only %v at the top", e.Name(), topLevel())
		}
	}
}

func TestEveryPackageIsOnTheMap(t *testing.T) {
	t.Parallel()
	for _, f := range productFiles(t) {
		if _, ok := importMap()[placeOf(f.pkg)]; !ok {
			t.Errorf("%s: package %s is not on the import map", f.path, f.pkg)
		}
	}
}

func TestImportMap(t *testing.T) {
	t.Parallel()
	for _, f := range productFiles(t) {
		for _, imported := range f.imports {
			own, ok := strings.CutPrefix(imported, module+"/")
			if !ok {
				continue
			}
			if problem := edge(f.pkg, own); problem != "" {
				t.Errorf("%s: %s", f.path, problem)
			}
		}
	}
}

func TestVocabularyImportsOnlyTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for _, f := range productFiles(t) {
		for _, imported := range f.imports {
			if f.pkg == "webhook/imagepull" && !isStandard(imported) {
				t.Errorf("%s imports %s", f.path, imported)
			}
		}
	}
}

func TestFences(t *testing.T) {
	t.Parallel()
	for _, f := range productFiles(t) {
		for _, imported := range f.imports {
			if problem := fenced(f.pkg, imported); problem != "" {
				t.Errorf("%s: %s", f.path, problem)
			}
		}
	}
}

func TestUnwantedModules(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "go.mod"))
	if err != nil {
		t.Fatalf("reading go.mod: %v", err)
	}
	for line := range strings.Lines(string(data)) {
		for _, m := range forbiddenModules() {
			if words := strings.Fields(strings.TrimPrefix(line, "require ")); len(words) > 1 && within(words[0], m) {
				t.Errorf("go.mod requires %s", words[0])
			}
		}
	}
}

// TestRulesFindViolations uses invented imports, because the tree itself has no violations.
func TestRulesFindViolations(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		problem string
		want    bool
	}{
		"every package may import the vocabulary":                  {problem: edge("webhook/podspec", "webhook/imagepull")},
		"cmd may import everything":                                {problem: edge("cmd/pullgate", "webhook/registry")},
		"the engine may import everything":                         {problem: edge("webhook/engine", "webhook/registry")},
		"the engine may not import the handler":                    {problem: edge("webhook/engine", "webhook"), want: true},
		"the checker may not import the engine":                    {problem: edge("webhook/preflight", "webhook/engine"), want: true},
		"tests may import the product":                             {problem: edge("test/integration", "certs")},
		"tests may import each other":                              {problem: edge("test/demo", "test/registry")},
		"the handler may not import the checker":                   {problem: edge("webhook", "webhook/preflight"), want: true},
		"a leaf may not import the checker":                        {problem: edge("webhook/registry", "webhook/preflight"), want: true},
		"cmd may not be imported":                                  {problem: edge("webhook", "cmd/pullgate"), want: true},
		"the product may not import test":                          {problem: edge("cmd/pullgate", "test/registry"), want: true},
		"a package inside another has its own rules":               {problem: edge("webhook/registry/hosts", "webhook/imagepull"), want: true},
		"a fenced package may import the library":                  {problem: fenced("webhook/registry", remote("/transport"))},
		"other packages may not import the library":                {problem: fenced("webhook/resolve", remote("")), want: true},
		"a fence does not match a prefix of a name":                {problem: fenced("webhook/resolve", remote("x"))},
		"test may import a fenced library":                         {problem: fenced("test/registry", remote("/transport"))},
		"a package inside a fenced one may not import the library": {problem: fenced("webhook/preflight", "sigs.k8s.io/controller-runtime"), want: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.problem != ""; got != tc.want {
				t.Errorf("got problem %q, want one: %v", tc.problem, tc.want)
			}
		})
	}
}

func remote(rest string) string { return "github.com/google/go-containerregistry/pkg/v1/remote" + rest }

// edge returns the violation in an import of one package of the module by another, or "".
func edge(from, to string) string {
	switch {
	case within(to, "cmd"):
		return from + " imports " + to + ", which is not a library"
	case to == "webhook" && within(from, "webhook"):
		return from + " imports webhook, which is above it"
	case within(to, "test") && !within(from, "test"):
		return from + " imports " + to + ", which is not part of the product"
	}
	allowed := importMap()[placeOf(from)]
	if slices.Contains(allowed, "*") || slices.Contains(allowed, to) {
		return ""
	}
	return from + " may import " + strings.Join(allowed, ", ") + " but not " + to
}

// fenced returns the violation in an import of a library, or "".
func fenced(from, library string) string {
	if within(from, "test") {
		return ""
	}
	for prefix, only := range fences() {
		if within(library, prefix) && !slices.Contains(only, placeOf(from)) {
			return library + " is for " + strings.Join(only, ", ") + " only"
		}
	}
	return ""
}

// placeOf returns the entry of a package in the map. All commands share one entry, and all test programs.
func placeOf(pkg string) string {
	for _, whole := range []string{"cmd", "test"} {
		if within(pkg, whole) {
			return whole
		}
	}
	return pkg
}

func within(p, prefix string) bool { return p == prefix || strings.HasPrefix(p, prefix+"/") }

func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}
