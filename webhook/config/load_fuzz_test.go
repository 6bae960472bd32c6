package config_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/pullgate/pullgate/webhook/config"
)

// FuzzLoad checks that a file is either rejected with a text, or can be marshalled and loaded again without a change.
func FuzzLoad(f *testing.F) {
	custom, err := os.ReadFile("testdata/custom.yaml")
	if err != nil {
		f.Fatalf("reading: %v", err)
	}
	f.Add(custom)
	f.Add(config.DefaultFile())
	seeds := []string{
		"", "---", "a: &a [*a]", "retry: {<<: {factor: 2}}", "retry: {<<: [{factor: 2}]}", "a: &a {<<: *a}", "- &a\n- *a", "? [a]\n: b", "\xff\xfe", "actions: {\"\": deny}",
	}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		loaded, err := config.Load(data)
		if err != nil {
			if err.Error() == "" {
				t.Error("Load() returned an error without a text")
			}
			return
		}
		written, err := yaml.Marshal(loaded)
		if err != nil {
			t.Fatalf("marshalling: %v", err)
		}
		again, err := config.Load(written)
		if err != nil {
			t.Fatalf("Load() of the marshalled configuration = %v", err)
		}
		if diff := cmp.Diff(loaded, again); diff != "" {
			t.Errorf("the configuration changed (-first +second):\n%s", diff)
		}
	})
}
