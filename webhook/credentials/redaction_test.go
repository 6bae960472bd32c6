package credentials

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// TestNothingSecretIsPrinted prints every exported type that holds credentials, in all the ways of fmt and slog.
func TestNothingSecretIsPrinted(t *testing.T) {
	t.Parallel()
	data := config("r.example=alice")
	c := newCluster(t, pullSecret("regcred", data), pullSecret("broken", password))
	set := c.source.Credentials(t.Context(), shopPod("regcred", "broken"), false)
	file := mustParse(t, data, "config.json")
	node := nodeWithSecrets(t)
	lookup := node.Credentials(t.Context(), shopPod(), false).Lookup("r.example/app")
	candidates := slices.Collect(lookup.All(t.Context()))
	for name, value := range map[string]any{
		"Keyring":     set.Keyring,
		"*Keyring":    &set.Keyring,
		"Set":         set,
		"*Set":        &set,
		"[]Set":       []Set{set},
		"File":        file,
		"*File":       &file,
		"Files":       Files{file},
		"Source":      c.source,
		"Problem":     set.Invalid[0],
		"credentials": candidates,
		"Candidates":  lookup,
		"Config":      node.Config,
		"Providers":   node.Providers,
		"provider":    node.Providers.list[0],
		"Node":        node,
		"Options":     Options{Clock: c.clock},
		"nested":      map[string]any{"set": struct{ s Set }{set}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for form, text := range printed(t, value) {
				for _, secret := range []string{password, auth("alice"), base64.StdEncoding.EncodeToString([]byte(password)), fmt.Sprintf("%x", password)} {
					if strings.Contains(text, secret) {
						t.Errorf("%s shows a secret", form)
					}
				}
			}
		})
	}
}

// nodeWithSecrets returns a node with a secret wherever one can be.
func nodeWithSecrets(t *testing.T) Node {
	t.Helper()
	program := &fakeProgram{name: "fake", match: []string{"r.example"}, answer: always(answerOf(perImage, "r.example=bob"))}
	node := Node{Pods: podSet{}, Config: mustConfig(t, config("r.example=alice")), Providers: newFakeNode(t, program).providers}
	if _, problems := node.Providers.match(t.Context(), "r.example/app"); len(problems) > 0 {
		t.Fatalf("problems %v, want none", problems)
	}
	node.Providers.list[0].run = command{args: []string{password}, environ: []string{password}}.run
	return node
}

func printed(t *testing.T, value any) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		all[verb] = fmt.Sprintf(verb, value)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "value", value)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "value", value)
	all["slog"] = log.String()
	if data, err := json.Marshal(value); err == nil {
		all["JSON"] = string(data)
	}
	return all
}
