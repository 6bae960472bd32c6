package config_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/pullgate/pullgate/webhook/config"
)

// FuzzLoad asks of any file that it is either refused in words or understood so well that it can be written down again.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"documented.yaml", "custom.yaml"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatalf("reading: %v", err)
		}
		f.Add(data)
	}
	seeds := []string{
		"", "---", "a: &a [*a]", "retry: {<<: {factor: 2}}", "? [a]\n: b", "\xff\xfe", "actions: {\"\": deny}",
	}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		loaded, err := config.Load(data)
		if err != nil {
			if err.Error() == "" {
				t.Error("Load() refused the file without a word")
			}
			return
		}
		written, err := yaml.Marshal(loaded)
		if err != nil {
			t.Fatalf("marshalling: %v", err)
		}
		again, err := config.Load(written)
		if err != nil {
			t.Fatalf("Load() of what was loaded before = %v", err)
		}
		if diff := cmp.Diff(loaded, again); diff != "" {
			t.Errorf("the configuration changed on its way (-first +second):\n%s", diff)
		}
	})
}
