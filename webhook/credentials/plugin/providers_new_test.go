//go:build unix

package plugin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// binDir returns a directory with links to the shell under the given names. A link avoids the error "text file busy", which
// a program that was just written may cause while other tests start processes.
func binDir(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.Symlink("/bin/sh", filepath.Join(dir, name)); err != nil {
			t.Fatalf("making a program: %v", err)
		}
	}
	return dir
}

// TestProvidersRunRealPrograms covers all steps from the configuration file to the credential.
func TestProvidersRunRealPrograms(t *testing.T) {
	t.Parallel()
	log, text := newLog()
	echo := func(name, script, env string) string {
		return configText(name, "  args: [-c, '"+script+"']", "  env: [{name: RESPONSE, value: '"+env+"'}]")
	}
	response := responseJSON(perImage, "a.r.example=alice")
	files := fstest.MapFS{
		"d/10.yaml": {Data: []byte(echo("sh", `read request; case $request in *a.r.example/app*) echo "$RESPONSE";; esac`, response))},
		"d/20.yaml": {Data: []byte(echo("bash", "echo "+password+" >&2; exit 4", ""))},
		"d/30.yaml": {Data: []byte(configText("absent", tokenLine))},
	}
	p, err := New(Options{Files: files, Name: "d", BinDir: binDir(t, "sh", "bash"), Environ: os.Environ(), Log: log})
	if err != nil {
		t.Fatalf("New() error = %v, want none", err)
	}
	defer p.Close()
	keyring, problems := p.Provide(t.Context(), "a.r.example/app")
	got := keyring.Lookup("a.r.example/app")
	if diff := cmp.Diff([]string{"alice"}, users(got)); diff != "" || got[0].Password != password || got[0].Source != "node/plugin/sh" {
		t.Errorf("credentials %v, users (-want +got):\n%s", got, diff)
	}
	want := append(problem("bash", "it failed"), problem("absent", "it needs a service account token, which Pullgate cannot create")...)
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if log := text.String(); !strings.Contains(log, `error="it ended with status 4"`) || strings.Contains(log, password) {
		t.Errorf("log:\n%s\nwant the status and no secret", log)
	}
}

func TestNewReportsMistakes(t *testing.T) {
	t.Parallel()
	dir := binDir(t)
	if err := os.WriteFile(filepath.Join(dir, "data"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ text, want string }{
		"mistake in the file": {configText("ecr", "  nme: x"), "providers.yaml: providers[0].nme: Forbidden: unknown or repeated key"},
		"no program":          {configText("ecr"), `providers[0].name: the provider directory has no executable of this name: "ecr"`},
		"not executable":      {configText("data"), `providers[0].name: the provider directory has no executable of this name: "data"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, _ := newLog()
			files := fstest.MapFS{"providers.yaml": {Data: []byte(test.text)}}
			_, err := New(Options{Files: files, Name: "providers.yaml", BinDir: dir, Log: log})
			if errorText(err) != test.want {
				t.Errorf("error = %v, want %s", err, test.want)
			}
		})
	}
}
