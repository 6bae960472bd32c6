package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/pullgate/pullgate/webhook/config"
)

func TestDefaultFileHoldsTheDefaults(t *testing.T) {
	t.Parallel()
	got, err := config.Load(config.DefaultFile())
	if err != nil {
		t.Fatalf("Load() = %v", err)
	}
	if diff := cmp.Diff(config.Default(), got); diff != "" {
		t.Errorf("Load() differs from Default() (-default +loaded):\n%s", diff)
	}
	// Load takes the default for a key that is missing.
	var document yaml.Node
	if err := yaml.Unmarshal(config.DefaultFile(), &document); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range fields(reflect.TypeFor[config.Configuration](), "") {
		want = append(want, f.path)
	}
	if diff := cmp.Diff(want, keysOf(document.Content[0], "")); diff != "" {
		t.Errorf("keys of the default file, in the order of Configuration (-want +got):\n%s", diff)
	}
}

// keysOf returns the path of every key, sections included.
func keysOf(mapping *yaml.Node, prefix string) []string {
	var all []string
	for pair := range slices.Chunk(mapping.Content, 2) {
		path := prefix + pair[0].Value
		all = append(all, path)
		if pair[1].Kind == yaml.MappingNode {
			all = append(all, keysOf(pair[1], path+".")...)
		}
	}
	return all
}

// property is a part of the schema.
type property struct {
	Schema      string              `json:"$schema"`
	Type        []any               `json:"type"`
	Description string              `json:"description"`
	Default     json.RawMessage     `json:"default"`
	Minimum     *float64            `json:"minimum"`
	Maximum     *float64            `json:"maximum"`
	Enum        []any               `json:"enum"`
	Properties  map[string]property `json:"properties"`
}

// properties returns every key with its schema, by its path.
func properties(t *testing.T) map[string]property {
	t.Helper()
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root struct {
		Properties map[string]property `json:"properties"`
	}
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	return below(root.Properties, "")
}

func below(all map[string]property, prefix string) map[string]property {
	paths := map[string]property{}
	for key, p := range all {
		paths[prefix+key] = p
		if prefix+key != "actions" {
			maps.Copy(paths, below(p.Properties, prefix+key+"."))
		}
	}
	return paths
}

func TestSchemaDescribesEveryKey(t *testing.T) {
	t.Parallel()
	all := properties(t)
	for _, f := range fields(reflect.TypeFor[config.Configuration](), "") {
		if _, ok := all[f.path]; !ok {
			t.Errorf("the schema lacks %s", f.path)
		}
	}
	for path, p := range all {
		switch text := p.Description; {
		case path == "apiVersion" || path == "kind":
		case text == "" || !strings.HasSuffix(text, ".") || strings.Contains(text, "#") || strings.Contains(text, "\n"):
			t.Errorf("the description of %s is %q, want whole sentences", path, text)
		}
		if len(p.Properties) == 0 && len(p.Default) == 0 {
			t.Errorf("%s has no default", path)
		}
	}
}

// compile returns the schema of configuration files.
func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("configuration.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("configuration.json")
	if err != nil {
		t.Fatalf("the schema is not valid: %v", err)
	}
	return compiled
}

// validate validates a file by the schema.
func validate(t *testing.T, s *jsonschema.Schema, file []byte) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(file, &value); err != nil {
		t.Fatalf("%v:\n%s", err, file)
	}
	return s.Validate(value)
}

// Every configuration in the documents is valid, for the loader and for the schema. So is the default file.
func TestDocumentedConfigurationsAreValid(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{
		"config default": config.DefaultFile(), "an empty file": nil,
		"custom.yaml":  read(t, "custom.yaml"),
		"a JSON file":  []byte(`{"apiVersion": "pullgate.dev/v1alpha1", "kind": "Configuration", "deep": true}`),
		"empty keys":   []byte("retry:\nactions:\ndefaultMode:\negress: {allow: }\n"),
		"some actions": []byte("actions: {NotChecked: warn, NotFound: allow, NodeCache: deny}"),
	}
	maps.Copy(files, documented(t))
	if len(files) < 12 {
		t.Errorf("found the configurations %v, want more", slices.Sorted(maps.Keys(files)))
	}
	compiled := compile(t)
	for name, file := range files {
		if _, err := config.Load(file); err != nil {
			t.Errorf("%s: Load() = %v\n%s", name, err, file)
		}
		if err := validate(t, compiled, file); err != nil {
			t.Errorf("%s: the schema: %v\n%s", name, err, file)
		}
	}
}

// documented returns the configurations in the documents, manifests and overlays, alone or in a ConfigMap.
func documented(t *testing.T) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	add := func(name string, text []byte) {
		for i, match := range regexp.MustCompile(`(?m)^( *)apiVersion: pullgate\.dev/v1alpha1\n(?:(?: *\n| .*\n|[a-zA-Z].*\n|#.*\n))*`).FindAllSubmatch(text, -1) {
			var lines []string
			for line := range strings.Lines(string(match[0])) {
				rest, ok := strings.CutPrefix(line, string(match[1]))
				if !ok && strings.TrimSpace(line) != "" {
					break // the end of a block in a ConfigMap
				}
				lines = append(lines, rest)
			}
			found[fmt.Sprintf("%s, configuration %d", name, i+1)] = []byte(strings.Join(lines, ""))
		}
	}
	top := filepath.Join("..", "..")
	for _, pattern := range []string{"*.md", "*/*.md", "*/*/*.md", "manifests/*/*.yaml", "manifests/*/*/*.yaml", "test/*/overlay/*.yaml", "test/*/overlays/*/*.yaml"} {
		names, err := filepath.Glob(filepath.Join(top, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Ext(name) == ".md" {
				for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindAllSubmatch(text, -1) {
					add(fmt.Sprintf("%s, %.40q", name, block[1]), block[1])
				}
				continue
			}
			add(name, text)
		}
	}
	return found
}

func TestSchemaRefusesWhatTheLoaderRefuses(t *testing.T) {
	t.Parallel()
	compiled := compile(t)
	for name, file := range map[string]string{
		"an unknown key":                    "surprise: 1",
		"an unknown key of a section":       "egress: {block: []}",
		"another version":                   "apiVersion: pullgate.dev/v1",
		"another kind":                      "kind: Config",
		"an unknown mode":                   "defaultMode: strict",
		"an unknown reason":                 "actions: {Notfound: warn}",
		"an unknown action":                 "actions: {NotFound: block}",
		"deny for a pullable reason":        "actions: {NotChecked: deny}",
		"text for a number":                 "limits: {total: many}",
		"a fraction":                        "limits: {total: 1.5}",
		"a number for a duration":           "timeouts: {request: 5}",
		"a duration without a unit":         "timeouts: {request: '5'}",
		"a duration with an unknown unit":   "cache: {tagTTL: 1d}",
		"a negative duration":               "cache: {tagTTL: -1s}",
		"text for a boolean":                `deep: "true"`,
		"a number for a boolean":            "deep: 1",
		"a list for a section":              "retry: []",
		"text for a list":                   "skipRegistries: registry.example",
		"a number in a list":                "skipRegistries: [1]",
		"null in a list":                    "skipRegistries: [null]",
		"a URL for a host":                  "skipRegistries: ['https://registry.example']",
		"a path behind a host":              "egress: {insecureRegistries: [registry.example/shop]}",
		"an empty host":                     "nodes: {credentialedRegistries: ['']}",
		"a URL for a target":                "egress: {allow: ['https://registry.example']}",
		"an unknown architecture":           "nodes: {platforms: [linux/amd46]}",
		"an unknown runtime":                "nodes: {runtime: docker}",
		"a list of directories":             "nodes: {hostsDir: '/a:/b'}",
		"an unknown verification":           "nodes: {verifyImages: Always}",
		"an unknown access":                 "egress: {privateNetworks: warn}",
		"a token service without its host":  "egress: {tokenServices: [{registry: a.example}]}",
		"a token service with a wildcard":   "egress: {tokenServices: [{registry: a.example, host: '*.b.example'}]}",
		"a token service with another key":  "egress: {tokenServices: [{registry: a.example, host: b.example, port: 1}]}",
		"a placeholder of wildcards":        "placeholders: ['**']",
		"a namespace with a wildcard":       "exemptions: {namespaces: ['team-*']}",
		"a runtime class in capitals":       "exemptions: {runtimeClasses: [Kata]}",
		"an empty user":                     "exemptions: {usernames: ['']}",
		"a mapping for a selector":          "exemptions: {podSelector: {matchLabels: {a: b}}}",
		"a list instead of a configuration": "[]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := config.Load([]byte(file)); err == nil {
				t.Error("the loader accepts the file")
			}
			if err := validate(t, compiled, []byte(file)); err == nil {
				t.Error("the schema accepts the file")
			}
		})
	}
}

// The schema and the loader have the same limits of numbers and the same lists of values.
func TestSchemaHasTheLimitsOfTheLoader(t *testing.T) {
	t.Parallel()
	compiled := compile(t)
	agree := func(path, value string, want bool) {
		keys := strings.Split(path, ".")
		file := []byte(strings.Join(keys, ": {") + ": " + value + strings.Repeat("}", len(keys)-1))
		_, err := config.Load(file)
		if got := validate(t, compiled, file); (err == nil) != want || (got == nil) != want {
			t.Errorf("%s: the loader: %v; the schema: %v; want errors: %t", file, err, got, !want)
		}
	}
	numbers, texts := 0, 0
	for path, p := range properties(t) {
		if p.Minimum != nil {
			numbers++
			agree(path, fmt.Sprint(*p.Minimum), true)
			agree(path, fmt.Sprint(*p.Minimum-1), false)
		}
		if p.Maximum != nil {
			agree(path, fmt.Sprint(*p.Maximum), true)
			agree(path, fmt.Sprint(*p.Maximum+1), false)
		}
		for _, value := range p.Enum {
			if text, ok := value.(string); ok {
				texts++
				agree(path, fmt.Sprintf("%q", text), true)
				agree(path, fmt.Sprintf("%q", text+"x"), false)
			}
		}
	}
	if numbers < 10 || texts < 10 {
		t.Errorf("compared %d numbers and %d texts, want more", numbers, texts)
	}
}
