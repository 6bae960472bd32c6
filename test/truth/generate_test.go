package truth_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/test/truth"
)

func TestGenerate(t *testing.T) {
	t.Parallel()
	first := truth.Generate(1, 50)
	if diff := cmp.Diff(first, truth.Generate(1, 50)); diff != "" {
		t.Errorf("the same seed made up something else:\n%s", diff)
	}
	if cmp.Equal(first[0].Registries, truth.Generate(2, 1)[0].Registries) && cmp.Equal(first[0].Pod, truth.Generate(2, 1)[0].Pod) {
		t.Error("another seed made up the same")
	}
	for _, s := range first {
		site := truth.NewLocal(s)
		world, err := truth.Build(s, site, nil)
		if err != nil {
			t.Fatal(err)
		}
		world.Begin()
		world.Close()
		site.Close()
	}
}
