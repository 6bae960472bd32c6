package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// gateway is a Deployment whose pods are completed by Istio.
const gateway = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway, namespace: shop}
spec:
  template:
    metadata: {annotations: {inject.istio.io/templates: gateway}}
    spec:
      containers: [{name: istio-proxy, image: auto}]
`

func TestCheckReturnsTheExitStatusOfItsFindings(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.write(t, "pod.yaml", pod)
	f.write(t, "service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n")
	f.write(t, "broken.yaml", "apiVersion: v1\nkind: Pod\nspec:\n  containers: [\n")
	f.write(t, "wrongtype.yaml", "apiVersion: v1\nkind: Pod\nspec:\n  containers: 7\n")
	f.write(t, "badconfig.yaml", "apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\nretry: {faktor: 2}\n")
	f.write(t, "nosecret.json", "[]")
	f.write(t, "placeholders.yaml", "placeholders: [$(*)]\n")
	tests := map[string]struct {
		args       []string
		stdin      string
		wantStatus int
		wantOut    string
		wantErr    string
	}{
		"a good image":                           {[]string{"HOST/shop/web:1.27"}, "", 0, "Pullable", ""},
		"a missing tag":                          {[]string{"HOST/shop/web:nope"}, "", 1, "tag not found", ""},
		"a missing repository":                   {[]string{"HOST/shop/arm:2"}, "", 1, "tag not found", ""},
		"an invalid name":                        {[]string{"HOST/Shop/web"}, "", 1, "InvalidImageName", ""},
		"private, no credentials":                {[]string{"HOST/shop/private:1"}, "", 1, "AccessDenied", ""},
		"private, right password":                {[]string{"HOST/shop/private:1", "--pull-secret", "DIR/regcred.json"}, "", 0, "Pullable", ""},
		"private, wrong password":                {[]string{"HOST/shop/private:1", "--pull-secret", "DIR/wrong.json"}, "", 1, "file/wrong.json is refused", ""},
		"private, wrong and then right password": {[]string{"HOST/shop/private:1", "--pull-secret", "DIR/wrong.json", "--pull-secret", "DIR/regcred.json"}, "", 0, "Pullable", ""},
		"another platform":                       {[]string{"HOST/shop/arm:1", "--platform", "linux/amd64"}, "", 1, "offers linux/arm64, the nodes are linux/amd64", ""},
		"one of two platforms":                   {[]string{"HOST/shop/arm:1", "--platform", "linux/amd64", "--platform", "linux/arm64"}, "", 0, "SomePlatforms", ""},
		"the right platform":                     {[]string{"HOST/shop/arm:1", "--platform", "linux/arm64"}, "", 0, "Pullable", ""},
		"indeterminate":                          {[]string{"localhost:1/x"}, "", 0, "NodeLocalRegistry", ""},
		"indeterminate, strict":                  {[]string{"localhost:1/x", "--strict"}, "", 3, "NodeLocalRegistry", ""},
		"unpullable and indeterminate, strict":   {[]string{"localhost:1/x", "HOST/shop/web:nope", "--strict"}, "", 1, "tag not found", ""},
		"a manifest":                             {[]string{"-f", "DIR/pod.yaml"}, "", 1, "Pod shop/web", ""},
		"standard input":                         {[]string{"-f", "-"}, pod, 1, "stdin", ""},
		"a kind without pods":                    {[]string{"-f", "DIR/service.yaml"}, "", 0, "service.yaml: line 1: skipped", ""},
		"a pull secret in the cluster":           {[]string{"-f", "-"}, strings.Replace(pod, "spec:", "spec:\n  imagePullSecrets: [{name: regcred}]", 1), 0, `pull secret "regcred"`, ""},

		"a placeholder of Istio": {
			[]string{"-f", "-"}, gateway, 0, "placeholder for an image that is set when the pod is created (Istio)", "",
		},
		"a placeholder of the configuration": {
			[]string{"-f", "-", "--config", "DIR/placeholders.yaml"}, strings.Replace(gateway, "image: auto", "image: $(IMAGE)", 1), 0, "listed in placeholders", "",
		},
		"a placeholder on the command line": {[]string{"$(IMAGE)", "--config", "DIR/placeholders.yaml"}, "", 1, "InvalidImageName", ""},

		"nothing to check":            {nil, "", 2, "", "error: nothing to check: name an image, or manifests with -f\n"},
		"an unknown flag":             {[]string{"--nope"}, "", 2, "", "error: unknown flag: --nope\n"},
		"an unknown format":           {[]string{"x", "-o", "xml"}, "", 2, "", "error: --output \"xml\": use table, json or yaml\n"},
		"an incomplete platform":      {[]string{"x", "--platform", "linux"}, "", 2, "", "error: --platform: nodes.platforms[0]"},
		"deep with CRI-O":             {[]string{"x", "--deep", "--config", "DIR/crio.yaml"}, "", 2, "", "error: --deep: deep: Forbidden"},
		"an unknown platform":         {[]string{"x", "--platform", "linux/amd46"}, "", 2, "", "error: --platform: nodes.platforms[0]"},
		"a missing file":              {[]string{"-f", "DIR/nope.yaml"}, "", 2, "", "nope.yaml: no such file or directory\n"},
		"broken YAML":                 {[]string{"-f", "DIR/broken.yaml"}, "", 2, "", "broken.yaml: near line 4: not valid YAML"},
		"a field of wrong type":       {[]string{"-f", "DIR/wrongtype.yaml"}, "", 2, "", "wrongtype.yaml: line 1: reading Pod: field spec.containers has the wrong type\n"},
		"a bad configuration":         {[]string{"x", "--config", "DIR/badconfig.yaml"}, "", 2, "", "retry.faktor"},
		"a file without pull secrets": {[]string{"x", "--pull-secret", "DIR/nosecret.json"}, "", 2, "", "pull secrets in DIR/nosecret.json: "},
		"an empty directory":          {[]string{"-f", "DIR/empty"}, "", 2, "", "no .yaml, .yml or .json file in DIR/empty\n"},
	}
	if err := os.Mkdir(filepath.Join(f.dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := f.check(t, tt.stdin, tt.args...)
			if status != tt.wantStatus {
				t.Errorf("status %d, want %d", status, tt.wantStatus)
			}
			if !strings.Contains(stdout, tt.wantOut) || !strings.Contains(stderr, f.fill(tt.wantErr)) {
				t.Errorf("stdout:\n%s\nstderr:\n%s\nwant %q and %q in them", stdout, stderr, tt.wantOut, f.fill(tt.wantErr))
			}
			if tt.wantErr == "" && stderr != "" {
				t.Errorf("stderr: %s", stderr)
			}
			for _, secret := range []string{"hunter2", "hunter3"} {
				if strings.Contains(stdout+stderr, secret) {
					t.Error("the output contains a password")
				}
			}
		})
	}
}

// Programs read the JSON report, so that every key is compared.
func TestCheckJSONHasStableKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.write(t, "web.yaml", pod)
	status, stdout, _ := f.check(t, "", "HOST/shop/private:1", "-f", "DIR/web.yaml", "--pull-secret", "DIR/regcred.json", "-o", "json")
	if status != exitUnpullable {
		t.Errorf("status %d, want %d", status, exitUnpullable)
	}
	var report struct {
		Summary  map[string]int
		Findings []map[string]any
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"pullable": 1, "unpullable": 1, "indeterminate": 0}, report.Summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	digest := report.Findings[0]["digest"]
	want := []map[string]any{{
		"source": "", "path": "image", "container": "", "image": f.fill("HOST/shop/private:1"),
		"outcome": "Pullable", "reason": "Pullable", "message": "", "suggestion": "",
		"digest": digest, "credential": "file/regcred.json", "advice": []any{},
	}, {
		"source": f.fill("DIR/web.yaml"),
		"object": map[string]any{"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web"},
		"path":   "spec.containers[0].image", "container": "web", "image": f.fill("HOST/shop/web:1.27-alpin"),
		"outcome": "Unpullable", "reason": "NotFound", "message": "tag not found", "suggestion": "",
		"digest": "", "credential": "file/regcred.json", "advice": []any{},
	}}
	if diff := cmp.Diff(want, report.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestCheckReadsDirectories(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if err := os.MkdirAll(filepath.Join(f.dir, "deploy", "below"), 0o700); err != nil {
		t.Fatal(err)
	}
	named := func(name string) string {
		return strings.Replace(pod, "name: web, namespace", "name: "+name+", namespace", 1)
	}
	f.write(t, "deploy/a.yaml", named("a")+"\n---\n"+named("b"))
	f.write(t, "deploy/c.json", `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"},"spec":{"containers":[{"name":"x","image":"HOST/shop/web:1.27"}]}}]}`)
	f.write(t, "deploy/README.md", "not a manifest")
	f.write(t, "deploy/below/d.yml", named("d"))
	tests := map[string]struct {
		args []string
		want []string
	}{
		"the directory":       {nil, []string{"Pod shop/a", "Pod shop/b", "Pod default/c"}},
		"with subdirectories": {[]string{"-R"}, []string{"Pod shop/a", "Pod shop/d", "Pod shop/b", "Pod default/c"}},
		"with a namespace":    {[]string{"-n", "other"}, []string{"Pod shop/a", "Pod shop/b", "Pod other/c"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, stdout, stderr := f.check(t, "", append([]string{"-f", "DIR/deploy"}, tt.args...)...)
			for _, object := range tt.want {
				if !strings.Contains(stdout, object) {
					t.Errorf("%s is missing in:\n%s%s", object, stdout, stderr)
				}
			}
			if strings.Contains(stdout, "Pod shop/d") != (len(tt.want) == 4) {
				t.Errorf("subdirectories:\n%s", stdout)
			}
		})
	}
}

func TestCheckWithoutAClusterSuggestsOffline(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.write(t, "pod.yaml", pod)
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}
	status := run(t.Context(), streams, []string{
		"check", "-f", f.fill("DIR/pod.yaml"), "--kubeconfig", f.fill("DIR/nope"), "--config", f.fill("DIR/config.yaml"),
	})
	if status != exitUsage || !strings.Contains(errOut.String(), "--offline") {
		t.Errorf("status %d, stderr %q: want %d and --offline in the message", status, errOut.String(), exitUsage)
	}
}
