package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/report"
)

// updateGolden is the environment variable that rewrites the golden files.
const updateGolden = "UPDATE_GOLDEN"

// format writes a report in one of the formats.
type format func(io.Writer, report.Report) error

func table(w io.Writer, r report.Report) error  { return report.WriteTable(w, r, false) }
func colour(w io.Writer, r report.Report) error { return report.WriteTable(w, r, true) }

func TestFormatsMatchTheGoldenFiles(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		write  format
		report report.Report
	}{
		"mixed.json":       {report.WriteJSON, mixed()},
		"mixed.yaml":       {report.WriteYAML, mixed()},
		"mixed.table":      {table, mixed()},
		"colour.table":     {colour, mixed()},
		"standalone.json":  {report.WriteJSON, standaloneOnly()},
		"standalone.yaml":  {report.WriteYAML, standaloneOnly()},
		"standalone.table": {table, standaloneOnly()},
		"empty.json":       {report.WriteJSON, report.Report{}},
		"empty.yaml":       {report.WriteYAML, report.Report{}},
		"empty.table":      {table, report.Report{}},
		"hostile.json":     {report.WriteJSON, hostile()},
		"hostile.yaml":     {report.WriteYAML, hostile()},
		"hostile.table":    {table, hostile()},
		"documented.json":  {report.WriteJSON, documented()},
		"documented.table": {table, documented()},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := test.write(&got, test.report); err != nil {
				t.Fatalf("writing: %v", err)
			}
			compareGolden(t, filepath.Join("testdata", name), got.String())
		})
	}
	for _, file := range goldenFiles(t) {
		if _, ok := tests[file]; !ok {
			t.Errorf("testdata/%s: no test compares this file", file)
		}
	}
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv(updateGolden) != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatalf("updating: %v", err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("reading: %v (%s=1 writes it)", err, updateGolden)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got; %s=1 accepts it):\n%s", path, updateGolden, diff)
	}
}

func goldenFiles(t *testing.T) []string {
	t.Helper()
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatalf("listing: %v", err)
	}
	var names []string
	for _, file := range files {
		names = append(names, file.Name())
	}
	return names
}

// documented returns the report in the documentation. A second image completes its summary.
func documented() report.Report {
	return report.Report{Entries: []report.Entry{
		mixed().Entries[0],
		{Finding: standalone("nginx", imagepull.Verdict{Reason: imagepull.ReasonPullable})},
	}}
}

// TestJSONKeysAndTheirOrderAreStable compares bytes: the order of the keys is documented.
func TestJSONKeysAndTheirOrderAreStable(t *testing.T) {
	t.Parallel()
	var indented, got bytes.Buffer
	if err := report.WriteJSON(&indented, report.Report{Entries: documented().Entries[:1]}); err != nil {
		t.Fatalf("writing: %v", err)
	}
	if err := json.Compact(&got, indented.Bytes()); err != nil {
		t.Fatalf("compacting: %v", err)
	}
	want := `{"apiVersion":"pullgate.dev/v1alpha1","kind":"CheckReport",` +
		`"summary":{"pullable":0,"unpullable":1,"indeterminate":0},` +
		`"findings":[{"source":"web.yaml","object":{"apiVersion":"v1","kind":"Pod","namespace":"shop","name":"web"},` +
		`"path":"spec.containers[0].image","container":"web","image":"registry.example/shop/web:1.27-alpin",` +
		`"outcome":"Unpullable","reason":"NotFound","message":"tag not found","suggestion":"",` +
		`"digest":"","credential":"secret/shop/regcred","advice":[]}]}`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("report differs (-want +got):\n%s", diff)
	}
}

// TestJSONAndYAMLHoldTheSameValues uses an image with every kind of character.
func TestJSONAndYAMLHoldTheSameValues(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for r := rune(0); r <= 0x1ffff; r += 1 + r/512 {
		all.WriteRune(r)
	}
	all.WriteString("\ufeff\ufffe\uffff\u2028 <&>")
	r := report.Report{Entries: []report.Entry{{Finding: standalone(all.String(), imagepull.Verdict{})}}}
	var fromJSON, fromYAML map[string]any
	for _, form := range []struct {
		write format
		read  func([]byte) error
	}{
		{report.WriteJSON, func(b []byte) error { return json.Unmarshal(b, &fromJSON) }},
		{report.WriteYAML, func(b []byte) error { return yaml.Unmarshal(b, &fromYAML) }},
	} {
		var b bytes.Buffer
		if err := form.write(&b, r); err != nil {
			t.Fatalf("writing: %v", err)
		}
		if err := form.read(b.Bytes()); err != nil {
			t.Fatalf("reading back: %v", err)
		}
	}
	if diff := cmp.Diff(fromJSON, fromYAML); diff != "" {
		t.Errorf("JSON and YAML differ (-JSON +YAML):\n%s", diff)
	}
	image := fromJSON["findings"].([]any)[0].(map[string]any)["image"]
	if diff := cmp.Diff(any(all.String()), image); diff != "" {
		t.Errorf("image differs from the written one (-want +got):\n%s", diff)
	}
}

func TestFormatsHoldNoControlCharacters(t *testing.T) {
	t.Parallel()
	formats := map[string]format{"json": report.WriteJSON, "yaml": report.WriteYAML, "table": table}
	for name, write := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := write(&b, hostile()); err != nil {
				t.Fatalf("writing: %v", err)
			}
			isControl := func(r rune) bool { return r != '\n' && unicode.IsControl(r) }
			if i := strings.IndexFunc(b.String(), isControl); i >= 0 {
				t.Errorf("output holds %q", b.String()[i:])
			}
		})
	}
}

func TestTableShortensLongImages(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	r := report.Report{Entries: []report.Entry{{Finding: standalone(long(4096), imagepull.Verdict{})}}}
	if err := report.WriteTable(&b, r, false); err != nil {
		t.Fatalf("writing: %v", err)
	}
	want := "IMAGE" + strings.Repeat(" ", 77) + "RESULT\n" +
		strings.Repeat("a", 39) + "…" + long(40) + "  Indeterminate\n\n1 image: 1 indeterminate\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table differs (-want +got):\n%s", diff)
	}
}

func TestFormatsReturnTheErrorOfTheWriter(t *testing.T) {
	t.Parallel()
	tests := map[string]format{
		"writing JSON report: broken pipe": report.WriteJSON,
		"writing YAML report: broken pipe": report.WriteYAML,
		"writing table: broken pipe":       table,
	}
	for want, write := range tests {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			err := write(brokenWriter{}, mixed())
			if !errors.Is(err, errBroken) || err.Error() != want {
				t.Errorf("error = %v, want %q, wrapping the writer's error", err, want)
			}
		})
	}
}
