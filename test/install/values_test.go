//go:build install

package install

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/yaml"
)

func TestHelmLintPasses(t *testing.T) {
	t.Parallel()
	c := commandLine{home: t.TempDir()}
	if out := c.must(t, c.helm(t, "lint", "--strict", chart)); !strings.Contains(out, "0 chart(s) failed") {
		t.Errorf("helm lint:\n%s", out)
	}
}

func TestValuesRenderTheirFields(t *testing.T) {
	t.Parallel()
	for name, r := range renderings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := commandLine{home: t.TempDir()}
			all := objects(t, c.must(t, c.template(t, r.values)))
			got := map[string]string{}
			for query := range r.want {
				got[query] = field(t, all, query)
			}
			if diff := cmp.Diff(r.want, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

// field returns the number of objects of a kind, or the values of a JSON path in the objects of a kind, or in one of them.
func field(t *testing.T, all []unstructured.Unstructured, query string) string {
	t.Helper()
	kind, path, hasPath := strings.Cut(query, " ")
	kind, name, _ := strings.Cut(kind, "/")
	count, value := 0, ""
	for _, object := range all {
		if object.GetKind() != kind || name != "" && object.GetName() != name {
			continue
		}
		count++
		if !hasPath {
			continue
		}
		j := jsonpath.New(kind).AllowMissingKeys(true)
		var out bytes.Buffer
		if err := j.Parse(path); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if err := j.Execute(&out, object.Object); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		value += out.String()
	}
	if !hasPath {
		return strconv.Itoa(count)
	}
	return value
}

// A value that no test sets could do nothing.
func TestEveryValueIsSetByARendering(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]bool{}
	for _, r := range renderings() {
		for _, path := range leaves(t, []byte(r.values)) {
			for path != "" {
				set[path] = true
				path = path[:max(strings.LastIndex(path, "."), 0)]
			}
		}
	}
	for _, path := range leaves(t, data) {
		if !set[path] {
			t.Errorf("no rendering sets %s", path)
		}
	}
}

// leaves returns the paths of all values that are not maps with keys.
func leaves(t *testing.T, data []byte) []string {
	t.Helper()
	var values map[string]any
	if err := yaml.Unmarshal(data, &values); err != nil {
		t.Fatalf("decoding values: %v\n%s", err, data)
	}
	var all []string
	var walk func(prefix string, values map[string]any)
	walk = func(prefix string, values map[string]any) {
		for key, value := range values {
			if below, ok := value.(map[string]any); ok && len(below) > 0 {
				walk(prefix+key+".", below)
				continue
			}
			all = append(all, prefix+key)
		}
	}
	walk("", values)
	return all
}

func TestWrongValuesGetAClearError(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ values, want string }{
		"unknown key":            {"replica: 2", "additional properties 'replica' not allowed"},
		"unknown nested key":     {"image: {name: x}", "at '/image': additional properties 'name' not allowed"},
		"wrong type":             {"replicas: two", "at '/replicas': got string, want integer"},
		"too few replicas":       {"replicas: 0", "at '/replicas': minimum: got 0, want 1"},
		"unknown enum":           {"webhook: {failurePolicy: Never}", "at '/webhook/failurePolicy': value must be one of 'Ignore', 'Fail'"},
		"timeout too long":       {"webhook: {timeoutSeconds: 60}", "at '/webhook/timeoutSeconds': maximum: got 60, want 30"},
		"unknown certificate":    {"certificates: {source: vault}", "at '/certificates/source': value must be one of 'self-signed', 'cert-manager', 'own'"},
		"unknown configuration":  {"config: {defaultmode: warn}", "at '/config': additional properties 'defaultmode' not allowed"},
		"unknown mode":           {"config: {defaultMode: deny}", "at '/config/defaultMode': value must be one of 'enforce', 'warn', 'audit', 'off'"},
		"digest":                 {"image: {digest: v1}", "at '/image/digest': 'v1' does not match pattern"},
		"volume of the node":     {"files: {certsD: {hostPath: {path: /etc}}}", "at '/files/certsD': additional properties 'hostPath' not allowed"},
		"two volumes":            {"files: {certsD: {configMap: {name: a}, secret: {secretName: b}}}", "at '/files/certsD': maxProperties: got 2, want 1"},
		"volume without name":    {"files: {certsD: {configMap: {}}}", "at '/files/certsD/configMap': missing property 'name'"},
		"namespace":              {"exemptNamespaces: [Shop]", "at '/exemptNamespaces/0': 'Shop' does not match pattern"},
		"annotation":             {"podAnnotations: {a: 1}", "at '/podAnnotations/a': got number, want string"},
		"own without Secret":     {"certificates: {source: own}", "certificates.own.secretName is required with certificates.source=own"},
		"names without CA":       {"clientAllowedNames: [a]", "clientAllowedNames has no effect without files.clientCA"},
		"providers without bin":  {"files: {credentialProviderConfig: {configMap: {name: a}}}", "files.credentialProviderConfig and files.credentialProviderBin need each other"},
		"bindings without right": {"rights: {namespaces: [shop]}", "rights.namespaces has no effect without rights.namespacedSecrets=true"},
		"two sources of proxies": {"proxy: {httpProxy: 'http://a', secretName: b}", "proxy.secretName replaces proxy.httpProxy and proxy.httpsProxy"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := commandLine{home: t.TempDir()}
			got := c.template(t, tc.values)
			if got.err == nil || !strings.Contains(got.stderr, tc.want) {
				t.Errorf("got error %v, want one with %q:\n%s", got.err, tc.want, got.stderr)
			}
		})
	}
}

// The pods roll out if the configuration changes, and only then.
func TestConfigurationChangesTheChecksum(t *testing.T) {
	t.Parallel()
	c := commandLine{home: t.TempDir()}
	checksum := func(values string) string {
		all := objects(t, c.must(t, c.template(t, values)))
		return field(t, all, `Deployment {.spec.template.metadata.annotations.checksum/config}`)
	}
	shipped := checksum("")
	if shipped == "" || checksum("replicas: 3") != shipped {
		t.Errorf("the checksum is %q, and changes with the number of replicas", shipped)
	}
	if checksum("config: {deep: true}") == shipped {
		t.Error("the checksum stays if the configuration changes")
	}
}

// The Pod of "helm test" has the environment, the files and the configuration of the release, and not the label of the Service.
func TestHelmTestChecksAnImage(t *testing.T) {
	t.Parallel()
	const values = "{test: {image: 'registry.example/shop/web:1.27'}, files: {certsD: {configMap: {name: hosts}}}, " +
		"proxy: {httpsProxy: 'http://proxy.example:3128'}, image: {pullSecrets: [{name: regcred}]}}"
	c := commandLine{home: t.TempDir()}
	out := c.must(t, c.run(t, values, filepath.Join(root, "bin", "helm"), "template", "pullgate", chart, "--namespace="+namespace, "--values=-",
		"--show-only=templates/tests/check.yaml"))
	all := objects(t, out)
	want := map[string]string{
		"Pod {.spec.containers[0].args[*]}":              "check --config=/etc/pullgate/config.yaml --namespace=pullgate-system --service-account=pullgate registry.example/shop/web:1.27",
		"Pod {.spec.containers[0].env[*].name}":          "HTTPS_PROXY NO_PROXY",
		"Pod {.spec.containers[0].volumeMounts[*].name}": "config certs-d",
		"Pod {.spec.volumes[*].name}":                    "config certs-d",
		"Pod {.spec.imagePullSecrets[*].name}":           "regcred",
		"Pod {.metadata.labels}":                         `{"app.kubernetes.io/name":"pullgate-test"}`,
		`Pod {.metadata.annotations.helm\.sh/hook}`:      "test",
	}
	got := map[string]string{}
	for query := range want {
		got[query] = field(t, all, query)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}
