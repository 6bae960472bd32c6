package plugin

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const configHeader = "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\n"

// configText returns a file with one valid provider and additional lines for it.
func configText(name string, lines ...string) string {
	return configHeader + "providers:\n- name: " + name + "\n  matchImages: [\"*.r.example\"]\n  defaultCacheDuration: 10m\n" +
		"  apiVersion: credentialprovider.kubelet.k8s.io/v1\n" + strings.Join(lines, "\n") + "\n"
}

func TestParseConfig(t *testing.T) {
	t.Parallel()
	got, err := parseConfig([]byte(configText("ecr", "  args: [get, -v]", "  env: [{name: REGION, value: eu}]",
		"  tokenAttributes: {serviceAccountTokenAudience: r, cacheType: Token, requireServiceAccount: true,",
		"    requiredServiceAccountAnnotationKeys: [a/b], optionalServiceAccountAnnotationKeys: [c]}")))
	if err != nil {
		t.Fatalf("parseConfig() error = %v, want none", err)
	}
	duration, required := "10m", true
	want := []credentialProvider{{
		Name: "ecr", MatchImages: []string{"*.r.example"}, DefaultCacheDuration: &duration, APIVersion: requestV1,
		Args: []string{"get", "-v"}, Env: []execEnvVar{{"REGION", "eu"}},
		TokenAttributes: &tokenAttributes{
			ServiceAccountTokenAudience: "r", CacheType: "Token", RequireServiceAccount: &required,
			RequiredServiceAccountAnnotationKeys: []string{"a/b"}, OptionalServiceAccountAnnotationKeys: []string{"c"},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("providers (-want +got):\n%s", diff)
	}
}

func TestParseConfigAcceptsAllVersions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"v1", "v1beta1", "v1alpha1"} {
		text := strings.ReplaceAll(configText("ecr"), "k8s.io/v1\n", "k8s.io/"+version+"\n")
		if _, err := parseConfig([]byte(text)); err != nil {
			t.Errorf("%s: error = %v, want none", version, err)
		}
	}
}

func TestParseConfigReportsMistakes(t *testing.T) {
	t.Parallel()
	const duration = `must be a duration such as "10m", or "0s"`
	good := configText("ecr")
	for name, test := range map[string]struct{ text, want string }{
		"not YAML":                     {"kind: [\n", "near line 1: not valid YAML or JSON: check indentation, quotes and brackets"},
		"empty":                        {"# none\n", "it has 0 documents: keep one CredentialProviderConfig in a file"},
		"two documents":                {good + "---\n" + good, "it has 2 documents: keep one CredentialProviderConfig in a file"},
		"list":                         {"[]", "it does not have the shape of a CredentialProviderConfig"},
		"text instead of a list":       {strings.Replace(good, `["*.r.example"]`, password, 1), "providers.matchImages: has the wrong type"},
		"number instead of text":       {configText("ecr", "  env: [{name: A, value: 5}]"), "providers.env.value: has the wrong type"},
		"unknown key":                  {configText("ecr", "  matchimages: []"), "providers[0].matchimages: Forbidden: unknown or repeated key"},
		"repeated key":                 {`{"kind": "CredentialProviderConfig", "kind": ""}`, "kind: Forbidden: unknown or repeated key"},
		"another kind":                 {strings.Replace(good, "CredentialProviderConfig", "KubeletConfiguration", 1), `kind: Unsupported value: "KubeletConfiguration": supported values: "CredentialProviderConfig"`},
		"another group":                {strings.Replace(good, "kubelet.config.k8s.io/v1", "pullgate.dev/v1", 1), `apiVersion: Unsupported value: "pullgate.dev/v1"`},
		"no provider":                  {configHeader, "providers: Required value: list at least one"},
		"no name":                      {configText(`""`), "providers[0].name: Required value: must be the name of an executable"},
		"name with a path":             {configText("../sh"), `providers[0].name: Invalid value: "../sh": must be the name of an executable, without path and spaces`},
		"name is the directory":        {configText("."), `providers[0].name: Invalid value: "."`},
		"name is the parent directory": {configText(".."), `providers[0].name: Invalid value: ".."`},
		"name with a space":            {configText("a b"), `providers[0].name: Invalid value: "a b"`},
		"repeated name": {
			good + strings.TrimPrefix(good, configHeader+"providers:\n"), `providers[1].name: Duplicate value: "ecr"`,
		},
		"no image":                {strings.Replace(good, `"*.r.example"`, "", 1), "providers[0].matchImages: Required value: list at least one"},
		"image that is not a URL": {strings.Replace(good, "*.r.example", "r.example:port", 1), `providers[0].matchImages[0]: Invalid value: "r.example:port": must be such as`},
		"no duration":             {strings.Replace(good, "10m", "", 1), "providers[0].defaultCacheDuration: Required value: " + duration},
		"invalid duration":        {strings.Replace(good, "10m", "soon", 1), `providers[0].defaultCacheDuration: Invalid value: "soon": ` + duration},
		"negative duration":       {strings.Replace(good, "10m", "-1s", 1), `providers[0].defaultCacheDuration: Invalid value: "-1s": ` + duration},
		"no protocol version":     {strings.Replace(good, requestV1, `""`, 1), `providers[0].apiVersion: Unsupported value: "": supported values: "credentialprovider.kubelet.k8s.io/v1"`},
		"token without attributes": {
			configText("ecr", "  tokenAttributes: {}"),
			"providers[0].tokenAttributes.serviceAccountTokenAudience: Required value: must name the audience of the token\n" +
				"providers[0].tokenAttributes.requireServiceAccount: Required value: must be true or false\n" +
				`providers[0].tokenAttributes.cacheType: Unsupported value: "": supported values: "ServiceAccount", "Token"`,
		},
		"token in an older protocol": {
			strings.Replace(configText("ecr", tokenLine), requestV1, requestV1+"beta1", 1),
			"providers[0].tokenAttributes: Forbidden: needs a provider of apiVersion " + requestV1,
		},
		"token in an older file": {
			strings.Replace(configText("ecr", tokenLine), configV1, configV1beta1, 1),
			"providers[0].tokenAttributes: Forbidden: needs apiVersion " + configV1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseConfig([]byte(test.text))
			if err == nil || !strings.HasPrefix(err.Error(), test.want) && !strings.Contains(err.Error(), "\n"+test.want) {
				t.Errorf("error = %v, want a line that starts with %s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("error = %v, want no data of the file in it", err)
			}
		})
	}
}

// tokenLine makes a provider need a token.
const tokenLine = "  tokenAttributes: {serviceAccountTokenAudience: r, cacheType: Token, requireServiceAccount: true}"

func TestReadConfig(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	files := fstest.MapFS{
		"one.yaml":       file(configText("one")),
		"bad.yaml":       file(configText("bad", "  nme: x")),
		"d/20.json":      file(`{"kind": "CredentialProviderConfig", "apiVersion": "kubelet.config.k8s.io/v1", "providers": [{"name": "json", "matchImages": ["r"], "defaultCacheDuration": "0s", "apiVersion": "credentialprovider.kubelet.k8s.io/v1"}]}`),
		"d/10.yaml":      file(configText("yaml")),
		"d/30.yml":       file(configText("yml")),
		"d/notes.txt":    file("no configuration"),
		"d/40.yaml/x":    file("in a directory"),
		"twice/10.yaml":  file(configText("one")),
		"twice/20.yaml":  file(configText("one")),
		"empty/notes.md": file(""),
	}
	for name, test := range map[string]struct {
		want []string
		err  string
	}{
		"one.yaml":  {[]string{"one"}, ""},
		"d":         {[]string{"yaml", "json", "yml"}, ""},
		"bad.yaml":  {nil, "bad.yaml: providers[0].nme: Forbidden: unknown or repeated key"},
		"twice":     {nil, `twice/20.yaml: provider "one" is in another file too: keep one`},
		"empty":     {nil, "the directory has no .json, .yaml or .yml file"},
		"gone.yaml": {nil, "reading: open gone.yaml: file does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			providers, err := readConfig(files, name)
			if got := errorText(err); got != test.err {
				t.Errorf("error = %q, want %q", got, test.err)
			}
			var got []string
			for _, s := range providers {
				got = append(got, s.Name)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("providers (-want +got):\n%s", diff)
			}
		})
	}
}
