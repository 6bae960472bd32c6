package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// writeOwn writes the document of the running test program, and returns it.
func writeOwn(t *testing.T) []byte {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "test.cdx.json")
	if err := run([]string{"-version", "v1.2.3", "-o", out, program}, t.Output()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDocumentListsTheModulesOfTheProgram(t *testing.T) {
	t.Parallel()
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(writeOwn(t)), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	subject := bom.Metadata.Component
	if want := "pkg:golang/github.com/pullgate/pullgate@v1.2.3"; subject.PackageURL != want {
		t.Errorf("the program is %s, want %s", subject.PackageURL, want)
	}
	versions := map[string]string{}
	for _, c := range *bom.Components {
		versions[c.Name] = c.Version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("the test has no build information")
	}
	want := map[string]string{"std": strings.TrimPrefix(runtime.Version(), "go")}
	for _, module := range info.Deps {
		want[module.Path] = module.Version
	}
	if diff := cmp.Diff(want, versions); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
	if name := "github.com/CycloneDX/cyclonedx-go"; versions[name] == "" {
		t.Errorf("the test program has no module %s", name)
	}
}

func TestDocumentFollowsTheSchema(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	document := writeOwn(t)
	if err := schema.Validate(parse(t, document)); err != nil {
		t.Error(err)
	}
	broken := bytes.Replace(document, []byte(`"type": "library"`), []byte(`"type": "book"`), 1)
	if err := schema.Validate(parse(t, broken)); err == nil {
		t.Error("a document with an unknown type is valid, too")
	}
}

// compileSchema compiles CycloneDX's own schema, which is in the module of its library.
func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatalf("finding the module of the schema: %v", err)
	}
	compiler := jsonschema.NewCompiler()
	const base = "http://cyclonedx.org/schema/"
	for url, name := range map[string]string{
		"bom-1.6.schema.json":  "bom-1.6.schema.json",
		"spdx.schema.json":     "spdx.schema.json",
		"jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "schema", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource(base+url, parse(t, data)); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile(base + "bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func parse(t *testing.T, data []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestComponents(t *testing.T) {
	t.Parallel()
	const sum = "h1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	const hash = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	tests := map[string]struct {
		module   debug.Module
		url      string
		checksum string
	}{
		"a module":             {debug.Module{Path: "example.com/a", Version: "v1.0.0", Sum: sum}, "pkg:golang/example.com/a@v1.0.0", hash},
		"a name with capitals": {debug.Module{Path: "example.com/A", Version: "v1.0.0"}, "pkg:golang/example.com/a@v1.0.0", ""},
		"a version without a go.mod": {
			debug.Module{Path: "example.com/a", Version: "v2.0.0+incompatible"}, "pkg:golang/example.com/a@v2.0.0%2Bincompatible", "",
		},
		"a replacement": {
			debug.Module{Path: "example.com/a", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/b", Version: "v3.0.0", Sum: sum}},
			"pkg:golang/example.com/b@v3.0.0", hash,
		},
		"a folder": {
			debug.Module{Path: "example.com/a", Version: "v1.0.0", Replace: &debug.Module{Path: "../a"}}, "pkg:golang/../a", "",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newLibrary(&tt.module)
			if c.PackageURL != tt.url {
				t.Errorf("got the URL %s, want %s", c.PackageURL, tt.url)
			}
			var checksum string
			if c.Hashes != nil {
				checksum = (*c.Hashes)[0].Value
			}
			if checksum != tt.checksum {
				t.Errorf("got the checksum %s, want %s", checksum, tt.checksum)
			}
		})
	}
}

func TestSameProgramGivesTheSameDocument(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(string(writeOwn(t)), string(writeOwn(t))); diff != "" {
		t.Errorf("the second document differs (-first +second):\n%s", diff)
	}
}

func TestRunFailsWithoutADocument(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("not a program"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.json")
	tests := map[string]struct {
		args []string
		want string
	}{
		"missing output":  {[]string{text}, "-o and one program are required"},
		"missing program": {[]string{"-o", out}, "-o and one program are required"},
		"no such program": {[]string{"-o", out, filepath.Join(dir, "none")}, "reading the program"},
		"not a program":   {[]string{"-o", out, text}, "reading the build information of " + text},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(tt.args, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("a document was written")
			}
		})
	}
}
