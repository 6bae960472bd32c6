package webhook_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pullgate/pullgate"

// topLevel are the folders at the top, which the project's owner has fixed. Dot-folders may come and go, and bin holds
// what is built.
func topLevel() []string { return []string{"bin", "certs", "cmd", "manifests", "test", "webhook"} }

// anything marks a package that may import every other but those that nobody may import.
func anything() []string { return []string{"*"} }

// importMap says which packages of this module each package may import. It is acyclic and grows upwards: the
// vocabulary at the bottom, pure rules and fenced libraries on it, the checker on those, and the wiring in cmd.
func importMap() map[string][]string {
	return map[string][]string{
		"webhook/imagepull":   {},
		"webhook/document":    {},
		"webhook/podspec":     {"webhook/imagepull"},
		"webhook/credentials": {"webhook/imagepull"},
		"webhook/credentials/secrets": {
			"webhook/imagepull", "webhook/document", "webhook/credentials", "webhook/parallel", "webhook/ttlcache",
		},
		"webhook/credentials/plugin": {
			"webhook/imagepull", "webhook/document", "webhook/credentials", "webhook/parallel", "webhook/ttlcache",
		},
		"webhook/hostpattern": {},
		"webhook/parallel":    {},
		"webhook/ttlcache":    {},
		"webhook/registry":    {"webhook/imagepull", "webhook/hostpattern"},
		"webhook/resolve":     {"webhook/imagepull"},
		"webhook/nodes":       {"webhook/imagepull"},
		"webhook/policy":      {"webhook/imagepull"},
		"webhook/metrics":     {"webhook/imagepull"},
		"webhook/report":      {"webhook/imagepull"},
		"webhook/config":      {"webhook/imagepull", "webhook/policy", "webhook/hostpattern"},
		"webhook/preflight":   {"webhook/imagepull", "webhook/hostpattern", "webhook/credentials", "webhook/resolve", "webhook/nodes"},
		"webhook":             anything(),
		"certs":               {},
		"cmd":                 anything(),
		"test":                anything(),
	}
}

// fences name the only packages that may import a library. What is written against a library changes with it, and
// should be found in one place; test/ is free to use all.
func fences() map[string][]string {
	return map[string][]string{
		"os/exec":                           {"webhook/credentials/plugin"},
		"github.com/distribution/reference": {"webhook/podspec"},
		"github.com/google/go-containerregistry/pkg/v1/remote": {"webhook/registry"},
		"github.com/containerd/platforms":                      {"webhook/nodes"},
		"k8s.io/component-helpers":                             {"webhook/nodes"},
		"github.com/pelletier/go-toml":                         {"webhook/registry"},
		"github.com/prometheus/client_golang":                  {"webhook/metrics"},
		"github.com/open-policy-agent/cert-controller":         {"certs"},
		"github.com/spf13/cobra":                               {"cmd"},
		"golang.org/x/net/http/httpproxy":                      {"cmd"},
		"sigs.k8s.io/controller-runtime":                       {"webhook", "certs", "cmd"},
	}
}

// unwanted modules are those whose clients or protocols are enough. Building them is the business of the nested
// modules under test/.
func unwanted() []string {
	return []string{"k8s.io/kubernetes", "github.com/containerd/containerd", "go.etcd.io/etcd/server"}
}

func TestTopLevelFolders(t *testing.T) {
	t.Parallel()
	list, err := os.ReadDir("..")
	if err != nil {
		t.Fatalf("reading the top level: %v", err)
	}
	for _, e := range list {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(topLevel(), e.Name()) {
			t.Errorf("%s: want no folder at the top but %v", e.Name(), topLevel())
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

func TestTheVocabularyNeedsTheStandardLibraryOnly(t *testing.T) {
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
		for _, m := range unwanted() {
			if words := strings.Fields(strings.TrimPrefix(line, "require ")); len(words) > 1 && within(words[0], m) {
				t.Errorf("go.mod requires %s", words[0])
			}
		}
	}
}

// The rules are tested apart from the tree, which breaks none of them.
func TestRules(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		problem string
		want    bool
	}{
		"the vocabulary is for all":              {problem: edge("webhook/podspec", "webhook/imagepull")},
		"cmd wires everything":                   {problem: edge("cmd/pullgate", "webhook/registry")},
		"tests use the product":                  {problem: edge("test/integration", "certs")},
		"tests use one another":                  {problem: edge("test/demo", "test/registry")},
		"the handler uses the checker":           {problem: edge("webhook", "webhook/preflight")},
		"a leaf does not know the checker":       {problem: edge("webhook/registry", "webhook/preflight"), want: true},
		"nobody imports cmd":                     {problem: edge("webhook", "cmd/pullgate"), want: true},
		"the product does not import test":       {problem: edge("cmd/pullgate", "test/registry"), want: true},
		"a package inside another is its own":    {problem: edge("webhook/registry/hosts", "webhook/imagepull"), want: true},
		"the fence lets its package in":          {problem: fenced("webhook/registry", remote("/transport"))},
		"the fence keeps others out":             {problem: fenced("webhook/resolve", remote("")), want: true},
		"the fence does not stand around a name": {problem: fenced("webhook/resolve", remote("x"))},
		"the fence leaves test alone":            {problem: fenced("test/registry", remote("/transport"))},
		"a folder of the fenced one is outside":  {problem: fenced("webhook/preflight", "sigs.k8s.io/controller-runtime"), want: true},
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

// edge returns what is wrong with one package of the module importing another, or nothing.
func edge(from, to string) string {
	switch {
	case within(to, "cmd"):
		return from + " imports " + to + ", which is nobody's library"
	case within(to, "test") && !within(from, "test"):
		return from + " imports " + to + ", which is not part of the product"
	}
	allowed := importMap()[placeOf(from)]
	if slices.Contains(allowed, "*") || slices.Contains(allowed, to) {
		return ""
	}
	return from + " may import " + strings.Join(allowed, ", ") + " but not " + to
}

// fenced returns what is wrong with a package importing a library, or nothing.
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

// placeOf is where on the map a package stands: the commands and the test programs are one place each.
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
