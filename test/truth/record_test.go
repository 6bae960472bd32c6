package truth_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/test/truth"
)

// TestRecord checks that a record replaces the previous one and changes nothing else in the file.
func TestRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const text = "# a comment\ntitle: t\nimage: a.example/web:1\nexpect: NotFound\n"
	file := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, recorded := range []truth.Recorded{
		{Outcome: truth.Failed, Reason: "ImagePullBackOff", Message: "kubelet: not found"}, {Outcome: truth.Pulled},
	} {
		all, err := truth.Load(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		if err := all[0].Record(dir, recorded); err != nil {
			t.Fatal(err)
		}
		if all, err = truth.Load(os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&recorded, all[0].Kubelet); diff != "" {
			t.Errorf("the record (-want +got):\n%s", diff)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := text + "kubelet:\n  outcome: Pulled\n"; string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
