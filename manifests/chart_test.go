package manifests_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/config"
)

// Package test/install renders the chart, and compares it with the overlays.

func TestChartHasTheVersionOfTheImage(t *testing.T) {
	t.Parallel()
	_, version, _ := strings.Cut(loadDeployment(t).Spec.Template.Spec.Containers[0].Image, ":v")
	got := []string{lineValue(t, "chart/Chart.yaml", "version: "), lineValue(t, "chart/Chart.yaml", "appVersion: ")}
	if diff := cmp.Diff([]string{version, "v" + version}, got); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}

// The schema of the value config is the one of the configuration, so that Helm refuses a wrong key before a pod reads it. The chart
// itself sets apiVersion and kind. UPDATE_GOLDEN=1 writes it.
func TestSchemaOfTheChartContainsTheOneOfTheConfiguration(t *testing.T) {
	t.Parallel()
	const path = "chart/values.schema.json"
	data, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	want, schema := object(t, data), object(t, read(t, path))
	for _, key := range []string{"$schema", "title", "required"} {
		delete(want, key)
	}
	keys, ok := want["properties"].(map[string]any)
	if !ok {
		t.Fatal("the schema of the configuration has no properties")
	}
	delete(keys, "apiVersion")
	delete(keys, "kind")
	want["type"] = "object"
	values, ok := schema["properties"].(map[string]any)
	if !ok {
		t.Fatalf("%s has no properties", path)
	}
	if os.Getenv("UPDATE_GOLDEN") != "" {
		values["config"] = want
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(schema); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, values["config"]); diff != "" {
		t.Errorf("config (-configuration +chart):\n%s", diff)
	}
}

func object(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
