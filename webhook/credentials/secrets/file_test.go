package secrets

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// encoded returns a docker config.json with one entry in the form of a Secret's data.
func encoded(entry string) string {
	return base64.StdEncoding.EncodeToString([]byte(dockerConfigJSON(entry)))
}

// manifest returns a Secret of the namespace "shop" in YAML.
func manifest(name, entry string) string {
	return "apiVersion: v1\nkind: Secret\nmetadata:\n  name: " + name + "\n  namespace: shop\n" +
		"type: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: " + encoded(entry) + "\n"
}

func TestParseFile(t *testing.T) {
	t.Parallel()
	inJSON := `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "regcred", "namespace": "shop"},
		"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "` + encoded("r.example=alice") + `"}}`
	asListItem := "- " + strings.ReplaceAll(strings.TrimSpace(manifest("regcred", "r.example=alice")), "\n", "\n  ") + "\n"
	alice := []login{{"alice", "secret/shop/regcred"}}
	for name, test := range map[string]struct {
		data, file string
		want       []login
		facts      credentials.Set
	}{
		"Secret":         {data: manifest("regcred", "r.example=alice"), want: alice},
		"Secret in JSON": {data: inJSON, want: alice},
		"Secret with comments and markers": {
			data: "# made by kubectl\n---\n" + manifest("regcred", "r.example=alice") + "---\n# the end\n", want: alice,
		},
		"Secret with carriage returns": {
			data: strings.ReplaceAll("---\n"+manifest("regcred", "r.example=alice"), "\n", "\r\n"), want: alice,
		},
		"Secret after a comment on the marker": {
			data: "--- # Source: chart/templates/secret.yaml\n" + manifest("regcred", "r.example=alice"), want: alice,
		},
		"Secret without namespace": {
			data: strings.Replace(manifest("regcred", "r.example=alice"), "  namespace: shop\n", "", 1),
			want: []login{{"alice", "secret/regcred"}},
		},
		"Secret of the older type": {
			data: "kind: Secret\nmetadata: {name: regcred, namespace: shop}\ntype: kubernetes.io/dockercfg\n" +
				"stringData:\n  .dockercfg: |\n    {\"r.example\": {\"username\": \"alice\", \"password\": \"x\"}}\n",
			want: alice,
		},
		"stringData": {
			data: "kind: Secret\nmetadata: {name: regcred, namespace: shop}\ntype: kubernetes.io/dockerconfigjson\n" +
				"stringData:\n  .dockerconfigjson: '" + dockerConfigJSON("r.example=alice") + "'\n",
			want: alice,
		},
		"stringData overrides data": {
			data: manifest("regcred", "r.example=bob") + "stringData:\n  .dockerconfigjson: '" + dockerConfigJSON("r.example=alice") + "'\n",
			want: alice,
		},
		"several Secrets, in order": {
			data: manifest("two", "r.example=bob") + "---\n" + manifest("one", "r.example=alice"),
			want: []login{{"bob", "secret/shop/two"}, {"alice", "secret/shop/one"}},
		},
		"several documents in JSON": {
			data: inJSON + "\n---\n" + inJSON, want: []login{alice[0], alice[0]},
		},
		"List":                                 {data: "apiVersion: v1\nkind: List\nitems:\n" + asListItem, want: alice},
		"SecretList without kinds":             {data: "kind: SecretList\nitems:\n" + strings.Replace(asListItem, "  kind: Secret\n", "", 1), want: alice},
		"other kinds are ignored":              {data: "kind: Namespace\nmetadata: {name: shop}\n---\n" + manifest("regcred", "r.example=alice"), want: alice},
		"other kinds of any shape are ignored": {data: "kind: Quiz\nitems: none\n---\n" + manifest("regcred", "r.example=alice"), want: alice},
		"Opaque Secret": {
			data:  strings.Replace(manifest("regcred", "r.example=alice"), "kubernetes.io/dockerconfigjson", "Opaque", 1),
			want:  []login{{}},
			facts: credentials.Set{Ignored: problems(`pull secret "regcred"`, "its type is Opaque, not kubernetes.io/dockerconfigjson")},
		},
		"Secret that fails every pull": {
			data: "kind: Secret\nmetadata: {name: regcred}\ntype: kubernetes.io/dockerconfigjson\n" +
				"stringData: {.dockerconfigjson: '{\"auths\": {\"q.example\": {\"auth\": \"!\"}}}'}\n",
			want:  []login{{}},
			facts: credentials.Set{Invalid: problems(`pull secret "regcred"`, "an auth field is not base64")},
		},
		"docker config.json":               {data: dockerConfigJSON("r.example=alice"), file: "/home/me/.docker/config.json", want: []login{{"alice", "file/config.json"}}},
		"docker config.json with tabs":     {data: "{\n\t\"auths\": {\n\t\t\"r.example\": {\n\t\t\t\"auth\": \"" + auth("alice") + "\"\n\t\t}\n\t}\n}\n", file: "c.json", want: []login{{"alice", "file/c.json"}}},
		"docker config.json with a helper": {data: `{"auths": {"r.example": {}}, "credsStore": "desktop"}`, file: "c.json", want: []login{{"", "file/c.json"}}},
		"docker config.json, other case":   {data: strings.Replace(dockerConfigJSON("r.example=alice"), "auths", "Auths", 1), file: "c.json", want: []login{{"alice", "file/c.json"}}},
		"docker config.json, empty auths":  {data: `{"auths": {}}`, file: "c.json", want: []login{{}}, facts: credentials.Set{Ignored: problems(`file "c.json"`, "its docker config lists no registry")}},
		"docker config.json, bad auth":     {data: `{"auths": {"r.example": {"auth": "!"}}}`, file: "c.json", want: []login{{}}, facts: credentials.Set{Invalid: problems(`file "c.json"`, "an auth field is not base64")}},
		"docker config.json, wrong shape":  {data: `{"auths": {"r.example": {"auth": 12345}}}`, file: "c.json", want: []login{{}}, facts: credentials.Set{Invalid: problems(`file "c.json"`, "it does not have the shape of a docker config")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := Files{mustParse(t, test.data, test.file)}
			set := files.Credentials(t.Context(), shopPod("other"))
			if diff := cmp.Diff(test.want, logins(set, "r.example/app")); diff != "" {
				t.Errorf("credentials (-want +got):\n%s", diff)
			}
			if diff := diffSets(test.facts, set); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseFileReportsMistakes(t *testing.T) {
	t.Parallel()
	const (
		neither = "not a Secret, and not a docker config.json with auths"
		broken  = "not valid YAML or JSON: check indentation, quotes and brackets"
	)
	for name, test := range map[string]struct{ data, want string }{
		"empty":                      {"", neither},
		"comment":                    {"# nothing\n---\n", neither},
		"text":                       {password, "line 1: " + neither},
		"list":                       {"- " + password, "line 1: " + neither},
		"kind is a number":           {"kind: 1\n", "line 1: " + neither},
		"other kinds only":           {"kind: Pod\n", neither},
		"kind and auths are missing": {"\n# note\nname: x\n", "line 2: " + neither},
		"second document is neither": {manifest("regcred", "r.example=alice") + "---\n\npassword: " + password, "line 11: " + neither},
		"helper only":                {`{"credsStore": "desktop"}`, "line 1: the docker config.json has no auths: nodes cannot use its credential helpers"},
		"helpers only":               {`{"credHelpers": {"gcr.io": "gcr"}}`, "line 1: the docker config.json has no auths: nodes cannot use its credential helpers"},
		"docker config in YAML":      {"auths:\n  r.example:\n    password: " + password, "line 1: a docker config.json must be JSON"},
		"trailing comma":             {`{"auths": {"r.example": {"auth": "` + auth("alice") + `"},}}`, "line 1: a docker config.json must be JSON"},
		"truncated JSON":             {"{\n\t\"auths\": {\n\t\t\"r.example\": {\"auth\": \"" + password, "near line 3: " + broken},
		"JSON with a missing comma":  {"{\n\t\"auths\": {\n\t\t\"a\": {}\n\t\t\"b\": {}\n\t}\n}\n", "near line 4: " + broken},
		"YAML with a tab":            {"kind: Secret\nmetadata:\n\tname: " + password + "\n", "near line 3: " + broken},
		"YAML in a later document":   {"kind: Pod\n---\n\n# note\nkind: Secret\nmetadata:\n\tname: x\n", "near line 7: " + broken},
		"YAML with an unclosed text": {"kind: Secret\nmetadata:\n  name: \"" + password + "\n", "near line 4: " + broken},
		"YAML without a line":        {"kind: Pod\n---\nkind: *" + password, "near line 3: " + broken},
		"no name":                    {"kind: Secret\nmetadata: {namespace: shop}\n", "line 1: a Secret needs a metadata.name"},
		"data is plain text":         {"kind: Secret\nmetadata: {name: x}\ndata: {.dockerconfigjson: '" + password + "!'}\n", "line 1: the data of a Secret must be base64; plain text belongs in stringData"},
		"data is an object":          {"kind: Secret\nmetadata: {name: x}\ndata: {.dockerconfigjson: {auths: " + password + "}}\n", "line 1: a field of the Secret has the wrong type"},
		"stringData is an object":    {"kind: Secret\nmetadata: {name: x}\nstringData: {.dockerconfigjson: {auths: " + password + "}}\n", "line 1: a field of the Secret has the wrong type"},
		"items is not a list":        {"kind: List\nitems: " + password, "line 1: the items of a List must be a list of objects"},
		"no items":                   {"kind: List\n", neither},
		"bad item":                   {"kind: List\nitems: [{kind: Secret}]\n", "line 1: a Secret needs a metadata.name"},
		"bad item of a SecretList":   {"kind: SecretList\nitems: [{metadata: {}}]\n", "line 1: a Secret needs a metadata.name"},
		"empty List":                 {"kind: List\nitems: []\n", neither},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := ParseFile([]byte(test.data), "secret.yaml")
			if err == nil {
				t.Fatalf("ParseFile() error = nil, want %q", test.want)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if len(f.items) != 0 {
				t.Error("a rejected file has items")
			}
		})
	}
}

func TestFilesCredentials(t *testing.T) {
	t.Parallel()
	hub := mustParse(t, dockerConfigJSON("docker.io=alice"), "hub.json")
	first := mustParse(t, dockerConfigJSON("r.example=bob"), "first.json")
	second := mustParse(t, manifest("second", "r.example=carol"), "second.yaml")
	for name, test := range map[string]struct {
		files      Files
		repository string
		want       []login
	}{
		"no files":         {nil, "r.example/app", []login{{}}},
		"zero file":        {Files{{}}, "r.example/app", []login{{}}},
		"in order":         {Files{first, second}, "r.example/app", []login{{"bob", "file/first.json"}, {"carol", "secret/shop/second"}}},
		"in reverse order": {Files{second, first}, "r.example/app", []login{{"carol", "secret/shop/second"}, {"bob", "file/first.json"}}},
		"one matches":      {Files{first, second, hub}, "docker.io/library/nginx", []login{{"alice", "file/hub.json"}}},
		"none matches":     {Files{first, second, hub}, "q.example/app", []login{{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := test.files.FreshCredentials(t.Context(), imagepull.Pod{PullSecrets: []string{"gone"}, ServiceAccount: "builder"})
			if diff := cmp.Diff(test.want, logins(set, test.repository)); diff != "" {
				t.Errorf("credentials (-want +got):\n%s", diff)
			}
			if diff := diffSets(credentials.Set{}, set); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
			if !set.Equal(test.files.Credentials(t.Context(), imagepull.Pod{})) {
				t.Error("another pod has another set")
			}
		})
	}
}
