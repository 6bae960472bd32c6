package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// shop is a registry on loopback with a public and a private repository, and a folder with files about it.
type shop struct {
	dir, host, digest string
}

func openShop(t *testing.T) shop {
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
	s := shop{dir: t.TempDir(), host: server.Addr()}
	if s.digest, err = server.PushImage("shop/web:1.27"); err != nil {
		t.Fatal(err)
	}
	if _, err := server.PushImage("shop/private:1"); err != nil {
		t.Fatal(err)
	}
	if _, err := server.PushIndex("shop/arm:1", imagepull.Platform{OS: "linux", Architecture: "arm64"}); err != nil {
		t.Fatal(err)
	}
	s.write(t, "config.yaml", `
apiVersion: pullgate.dev/v1alpha1
kind: Configuration
egress: {allow: [HOST]}
`)
	s.write(t, "crio.yaml", "apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\nnodes: {runtime: cri-o}\n")
	s.write(t, "regcred.json", `{"auths":{"HOST":{"username":"ci","password":"hunter2"}}}`)
	s.write(t, "wrong.json", `{"auths":{"HOST":{"username":"ci","password":"hunter3"}}}`)
	return s
}

// fill puts the registry's address and the digest of its image into a text.
func (s shop) fill(text string) string {
	return strings.NewReplacer("HOST", s.host, "DIGEST", s.digest, "DIR", s.dir).Replace(text)
}

func (s shop) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(s.fill(text)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// check runs the command offline with the shop's configuration, unless the arguments say otherwise.
func (s shop) check(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(s.fill(stdin)), Out: &out, ErrOut: &errOut}
	all := []string{"check", "--offline"}
	for _, arg := range append([]string{"--config", "DIR/config.yaml"}, args...) {
		all = append(all, s.fill(arg))
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

func TestCheckStatus(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	s.write(t, "pod.yaml", pod)
	s.write(t, "service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n")
	s.write(t, "broken.yaml", "apiVersion: v1\nkind: Pod\nspec:\n  containers: [\n")
	s.write(t, "wrongtype.yaml", "apiVersion: v1\nkind: Pod\nspec:\n  containers: 7\n")
	s.write(t, "badconfig.yaml", "apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\nretry: {faktor: 2}\n")
	s.write(t, "nosecret.json", "[]")
	tests := map[string]struct {
		args       []string
		stdin      string
		wantStatus int
		wantOut    string
		wantErr    string
	}{
		"a good image":            {[]string{"HOST/shop/web:1.27"}, "", 0, "Pullable", ""},
		"a missing tag":           {[]string{"HOST/shop/web:nope"}, "", 1, "tag not found", ""},
		"a missing repository":    {[]string{"HOST/shop/arm:2"}, "", 1, "tag not found", ""},
		"an invalid name":         {[]string{"HOST/Shop/web"}, "", 1, "InvalidImageName", ""},
		"private, no credential":  {[]string{"HOST/shop/private:1"}, "", 1, "AccessDenied", ""},
		"private, right one":      {[]string{"HOST/shop/private:1", "--pull-secret", "DIR/regcred.json"}, "", 0, "Pullable", ""},
		"private, wrong one":      {[]string{"HOST/shop/private:1", "--pull-secret", "DIR/wrong.json"}, "", 1, "file/wrong.json is refused", ""},
		"wrong, then right one":   {[]string{"HOST/shop/private:1", "--pull-secret", "DIR/wrong.json", "--pull-secret", "DIR/regcred.json"}, "", 0, "Pullable", ""},
		"another platform":        {[]string{"HOST/shop/arm:1", "--platform", "linux/amd64"}, "", 1, "offers linux/arm64, the nodes are linux/amd64", ""},
		"one of two platforms":    {[]string{"HOST/shop/arm:1", "--platform", "linux/amd64", "--platform", "linux/arm64"}, "", 0, "SomePlatforms", ""},
		"the platform":            {[]string{"HOST/shop/arm:1", "--platform", "linux/arm64"}, "", 0, "Pullable", ""},
		"doubt":                   {[]string{"localhost:1/x"}, "", 0, "NodeLocalRegistry", ""},
		"doubt, strictly":         {[]string{"localhost:1/x", "--strict"}, "", 3, "NodeLocalRegistry", ""},
		"certainty before doubt":  {[]string{"localhost:1/x", "HOST/shop/web:nope", "--strict"}, "", 1, "tag not found", ""},
		"a manifest":              {[]string{"-f", "DIR/pod.yaml"}, "", 1, "Pod shop/web", ""},
		"standard input":          {[]string{"-f", "-"}, pod, 1, "stdin", ""},
		"a kind without pods":     {[]string{"-f", "DIR/service.yaml"}, "", 0, "service.yaml: line 1: passed over", ""},
		"a pull secret elsewhere": {[]string{"-f", "-"}, strings.Replace(pod, "spec:", "spec:\n  imagePullSecrets: [{name: regcred}]", 1), 0, `pull secret "regcred"`, ""},

		"nothing to check":      {nil, "", 2, "", "error: nothing to check: name an image, or manifests with -f\n"},
		"an unknown flag":       {[]string{"--nope"}, "", 2, "", "error: unknown flag: --nope\n"},
		"an unknown format":     {[]string{"x", "-o", "xml"}, "", 2, "", "error: --output \"xml\": use table, json or yaml\n"},
		"half a platform":       {[]string{"x", "--platform", "linux"}, "", 2, "", "error: --platform: nodes.platforms[0]"},
		"deep with CRI-O":       {[]string{"x", "--deep", "--config", "DIR/crio.yaml"}, "", 2, "", "error: --deep: deep: Forbidden"},
		"a platform with slip":  {[]string{"x", "--platform", "linux/amd46"}, "", 2, "", "error: --platform: nodes.platforms[0]"},
		"a missing file":        {[]string{"-f", "DIR/nope.yaml"}, "", 2, "", "nope.yaml: no such file or directory\n"},
		"broken YAML":           {[]string{"-f", "DIR/broken.yaml"}, "", 2, "", "broken.yaml: near line 4: not valid YAML"},
		"a field of wrong type": {[]string{"-f", "DIR/wrongtype.yaml"}, "", 2, "", "wrongtype.yaml: line 1: reading Pod: field spec.containers has the wrong type\n"},
		"a bad configuration":   {[]string{"x", "--config", "DIR/badconfig.yaml"}, "", 2, "", "retry.faktor"},
		"no pull secret inside": {[]string{"x", "--pull-secret", "DIR/nosecret.json"}, "", 2, "", "pull secrets in DIR/nosecret.json: "},
		"an empty directory":    {[]string{"-f", "DIR/empty"}, "", 2, "", "no .yaml, .yml or .json file in DIR/empty\n"},
	}
	if err := os.Mkdir(filepath.Join(s.dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := s.check(t, tt.stdin, tt.args...)
			if status != tt.wantStatus {
				t.Errorf("status %d, want %d", status, tt.wantStatus)
			}
			if !strings.Contains(stdout, tt.wantOut) || !strings.Contains(stderr, s.fill(tt.wantErr)) {
				t.Errorf("stdout:\n%s\nstderr:\n%s\nwant %q and %q in them", stdout, stderr, tt.wantOut, s.fill(tt.wantErr))
			}
			if tt.wantErr == "" && stderr != "" {
				t.Errorf("stderr: %s", stderr)
			}
			for _, secret := range []string{"hunter2", "hunter3"} {
				if strings.Contains(stdout+stderr, secret) {
					t.Error("the output holds a password")
				}
			}
		})
	}
}

// The JSON of a CheckReport is a promise, key by key.
func TestCheckJSON(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	s.write(t, "web.yaml", pod)
	status, stdout, _ := s.check(t, "", "HOST/shop/private:1", "-f", "DIR/web.yaml", "--pull-secret", "DIR/regcred.json", "-o", "json")
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
		"source": "", "path": "image", "container": "", "image": s.fill("HOST/shop/private:1"),
		"outcome": "Pullable", "reason": "Pullable", "message": "", "suggestion": "",
		"digest": digest, "credential": "file/regcred.json", "advice": []any{},
	}, {
		"source": s.fill("DIR/web.yaml"),
		"object": map[string]any{"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web"},
		"path":   "spec.containers[0].image", "container": "web", "image": s.fill("HOST/shop/web:1.27-alpin"),
		"outcome": "Unpullable", "reason": "NotFound", "message": "tag not found", "suggestion": "",
		"digest": "", "credential": "file/regcred.json", "advice": []any{},
	}}
	if diff := cmp.Diff(want, report.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestCheckDirectory(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	if err := os.MkdirAll(filepath.Join(s.dir, "deploy", "below"), 0o700); err != nil {
		t.Fatal(err)
	}
	named := func(name string) string {
		return strings.Replace(pod, "name: web, namespace", "name: "+name+", namespace", 1)
	}
	s.write(t, "deploy/a.yaml", named("a")+"\n---\n"+named("b"))
	s.write(t, "deploy/c.json", `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"},"spec":{"containers":[{"name":"x","image":"HOST/shop/web:1.27"}]}}]}`)
	s.write(t, "deploy/README.md", "not a manifest")
	s.write(t, "deploy/below/d.yml", named("d"))
	tests := map[string]struct {
		args []string
		want []string
	}{
		"the directory":             {nil, []string{"Pod shop/a", "Pod shop/b", "Pod default/c"}},
		"with those below":          {[]string{"-R"}, []string{"Pod shop/a", "Pod shop/d", "Pod shop/b", "Pod default/c"}},
		"in the namespace of flags": {[]string{"-n", "other"}, []string{"Pod shop/a", "Pod shop/b", "Pod other/c"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, stdout, stderr := s.check(t, "", append([]string{"-f", "DIR/deploy"}, tt.args...)...)
			for _, object := range tt.want {
				if !strings.Contains(stdout, object) {
					t.Errorf("%s is missing in:\n%s%s", object, stdout, stderr)
				}
			}
			if strings.Contains(stdout, "Pod shop/d") != (len(tt.want) == 4) {
				t.Errorf("directories below:\n%s", stdout)
			}
		})
	}
}

func TestUnknownCommand(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	status := run(t.Context(), genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}, []string{"chekc"})
	if status != exitUsage || !strings.Contains(errOut.String(), `unknown command "chekc"`) {
		t.Errorf("status %d, stderr %q: want %d and the name of the command", status, errOut.String(), exitUsage)
	}
}

// Without a cluster there must be a hint at what to do.
func TestCheckWithoutCluster(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	s.write(t, "pod.yaml", pod)
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}
	status := run(t.Context(), streams, []string{
		"check", "-f", s.fill("DIR/pod.yaml"), "--kubeconfig", s.fill("DIR/nope"), "--config", s.fill("DIR/config.yaml"),
	})
	if status != exitUsage || !strings.Contains(errOut.String(), "--offline") {
		t.Errorf("status %d, stderr %q: want %d and a hint at --offline", status, errOut.String(), exitUsage)
	}
}

func TestVersionAndHelp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"version"}, "pullgate "},
		{[]string{"--help"}, "check"},
		{[]string{"serve", "--help"}, fmt.Sprintf("default %d", defaultWebhookPort)},
		{[]string{"check", "--help"}, "Exit status"},
		{[]string{"check", "--help"}, "--deep"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			status := run(t.Context(), genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &out}, tt.args)
			if status != exitOK || !strings.Contains(out.String(), tt.want) {
				t.Errorf("status %d, output:\n%s", status, out.String())
			}
		})
	}
}
