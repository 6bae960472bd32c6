package truth_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/test/truth"
)

func TestGeneratedScenariosAreReproducibleAndValid(t *testing.T) {
	t.Parallel()
	first := truth.Generate(1, 50)
	if diff := cmp.Diff(first, truth.Generate(1, 50)); diff != "" {
		t.Errorf("the same seed generated other scenarios:\n%s", diff)
	}
	if cmp.Equal(first[0].Registries, truth.Generate(2, 1)[0].Registries) && cmp.Equal(first[0].Pod, truth.Generate(2, 1)[0].Pod) {
		t.Error("another seed generated the same scenario")
	}
	for _, s := range first {
		site := truth.NewLocal(s)
		fixture, err := truth.Build(s, site, nil)
		if err != nil {
			t.Fatal(err)
		}
		fixture.Reset()
		fixture.Close()
		site.Close()
	}
}
