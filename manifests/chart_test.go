package manifests_test

import (
	"encoding/json"
	"reflect"
	"slices"
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

// A key that the schema does not list could not be set.
func TestSchemaOfTheChartListsTheKeysOfTheConfiguration(t *testing.T) {
	t.Parallel()
	var schema struct {
		Properties struct {
			Config struct {
				Properties map[string]any `json:"properties"`
			} `json:"config"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(read(t, "chart/values.schema.json"), &schema); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for key := range schema.Properties.Config.Properties {
		got = append(got, key)
	}
	for field := range reflect.TypeFor[config.Configuration]().Fields() {
		if key := field.Tag.Get("yaml"); key != "apiVersion" && key != "kind" {
			want = append(want, key)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-configuration +schema):\n%s", diff)
	}
}
