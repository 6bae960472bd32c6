package secrets

import (
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// FuzzParseFile checks that any file gives credentials or an error, and that no error and no problem shows a password.
func FuzzParseFile(f *testing.F) {
	const password = "hunter2hunter2"
	f.Add("{\"auths\":{\"registry.example\":{\"username\":\"reader\",\"password\":\"" + password + "\"}}}")
	f.Add("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: '" +
		password + "'\n---\nkind: List\nitems: [{kind: Secret, metadata: {name: b}}]\n")
	f.Add("kind: Secret\ndata: {.dockercfg: " + password + "}\n")
	f.Add("auths: {registry.example: " + password + "}\n")
	f.Add("credsStore: " + password + "\n")
	f.Fuzz(func(t *testing.T, data string) {
		file, err := ParseFile([]byte(data), "regcred.yaml")
		if err != nil {
			if strings.Contains(err.Error(), password) {
				t.Errorf("the error shows the password: %v", err)
			}
			return
		}
		set := Files{file}.Credentials(t.Context(), imagepull.Pod{Namespace: "default", PullSecrets: []string{"a", "b"}})
		for _, problem := range append(set.Invalid, set.Unreadable...) {
			if strings.Contains(problem.String(), password) {
				t.Errorf("a problem shows the password: %s", problem)
			}
		}
	})
}
