package imagepull_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

const (
	username = "robot-of-the-shop"
	password = "s3cr3t-of-the-shop"
	source   = "secret/shop/regcred"
)

func secret() imagepull.Credential {
	return imagepull.Credential{Username: username, Password: password, Source: source}
}

// holders returns values that hold a credential and may be printed.
func holders() map[string]any {
	c := secret()
	return map[string]any{
		"itself":             c,
		"pointer":            &c,
		"slice":              []imagepull.Credential{c},
		"slice of pointers":  []*imagepull.Credential{&c},
		"map":                map[string]imagepull.Credential{"first": c},
		"map of pointers":    map[string]*imagepull.Credential{"first": &c},
		"struct":             struct{ Credential imagepull.Credential }{c},
		"pointer to struct":  &struct{ Credential imagepull.Credential }{c},
		"pointer in struct":  struct{ Credential *imagepull.Credential }{&c},
		"embedded":           struct{ imagepull.Credential }{c},
		"interface":          struct{ Any any }{c},
		"slice in struct":    struct{ List []imagepull.Credential }{[]imagepull.Credential{c}},
		"formatted in error": fmt.Errorf("sending %v: %w", c, errors.New("no response")),
	}
}

func wantNoSecret(t *testing.T, printed string) {
	t.Helper()
	for _, text := range []string{username, password, fmt.Sprintf("%x", password), fmt.Sprintf("%X", password)} {
		if strings.Contains(printed, text) {
			t.Errorf("printed %q, want no %q in it", printed, text)
		}
	}
}

func TestFmtDoesNotPrintTheCredential(t *testing.T) {
	t.Parallel()
	for name, holder := range holders() {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s"} {
			t.Run(name+" "+verb, func(t *testing.T) {
				t.Parallel()
				wantNoSecret(t, fmt.Sprintf(verb, holder))
			})
		}
	}
}

func TestJSONDoesNotHoldTheCredential(t *testing.T) {
	t.Parallel()
	for name, holder := range holders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := json.Marshal(holder)
			if err != nil {
				t.Fatalf("Marshal() error = %v, want none", err)
			}
			wantNoSecret(t, string(data))
		})
	}
}

func TestLogDoesNotHoldTheCredential(t *testing.T) {
	t.Parallel()
	handlers := map[string]func(io.Writer) slog.Handler{
		"json": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
	}
	for format, newHandler := range handlers {
		for name, holder := range holders() {
			t.Run(format+" "+name, func(t *testing.T) {
				t.Parallel()
				var out bytes.Buffer
				slog.New(newHandler(&out)).With("with", holder).Info("sending", "credential", holder, slog.Group("group", "in", holder))
				if out.Len() == 0 {
					t.Fatal("nothing was logged")
				}
				wantNoSecret(t, out.String())
			})
		}
	}
}

func TestFmtPrintsTheSourceOfTheCredential(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		credential imagepull.Credential
		verb, want string
	}{
		"string":           {secret(), "%s", source},
		"value":            {secret(), "%v", source},
		"value and fields": {secret(), "%+v", source},
		"Go syntax":        {secret(), "%#v", source},
		"number":           {secret(), "%d", source},
		"zero":             {imagepull.Credential{}, "%v", "anonymous"},
		"zero, Go syntax":  {imagepull.Credential{}, "%#v", "anonymous"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fmt.Sprintf(test.verb, test.credential); got != test.want {
				t.Errorf("Sprintf(%q) = %q, want %q", test.verb, got, test.want)
			}
		})
	}
}

func TestJSONHoldsTheSourceOfTheCredential(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal([]imagepull.Credential{secret(), {}})
	if err != nil {
		t.Fatalf("Marshal() error = %v, want none", err)
	}
	if want := `["` + source + `","anonymous"]`; string(got) != want {
		t.Errorf("Marshal() = %s, want %s", got, want)
	}
}

func TestCredentialWithoutUserIsAnonymous(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		credential imagepull.Credential
		want       bool
	}{
		"zero":                     {imagepull.Credential{}, true},
		"empty entry that matched": {imagepull.Credential{Source: source}, true},
		"user and password":        {secret(), false},
		"user only":                {imagepull.Credential{Username: username}, false},
		"password only":            {imagepull.Credential{Password: password}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.credential.IsAnonymous(); got != test.want {
				t.Errorf("IsAnonymous() = %t, want %t", got, test.want)
			}
		})
	}
}
