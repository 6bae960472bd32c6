package truth_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pullgate/pullgate/test/truth"
)

func TestLoadRejectsInvalidScenarios(t *testing.T) {
	t.Parallel()
	const good = "title: t\nimage: a.example/web:1\nexpect: NotFound\n"
	tests := map[string]struct {
		text string
		want string
	}{
		"an unknown field":    {good + "kublet: {}\n", `unknown field "kublet"`},
		"no title":            {"image: a.example/web:1\nexpect: NotFound\n", "title is missing"},
		"no image and no pod": {"title: t\nexpect: NotFound\n", "exactly one of image and pod"},
		"both image and pod":  {good + "pod: {containers: []}\n", "exactly one of image and pod"},
		"an unknown reason":   {"title: t\nimage: a.example/web:1\nexpect: Nonsense\n", `unknown reason "Nonsense"`},
		"an indeterminate reason without an explanation": {"title: t\nimage: a.example/web:1\nexpect: NodeCache\n", "must explain why"},
		"an explanation without an indeterminate reason": {good + "indeterminate: because\n", "expect is not indeterminate"},
		"a miss with a failing reason":                   {good + "miss: because\n", "expect is not pullable"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := truth.Load(fstest.MapFS{"folder/bad.yaml": {Data: []byte(tt.text)}})
			if err == nil || !strings.Contains(err.Error(), "folder/bad") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one of folder/bad with %q", err, tt.want)
			}
		})
	}
}

func TestLoadRejectsLongNames(t *testing.T) {
	t.Parallel()
	_, err := truth.Load(fstest.MapFS{strings.Repeat("a", 58) + ".yaml": {Data: []byte("title: t\nimage: a.example/web:1\nexpect: NotFound\n")}})
	if err == nil || !strings.Contains(err.Error(), "name is longer") {
		t.Errorf("got error %v, want one about the name", err)
	}
}

func TestNamesAreUnique(t *testing.T) {
	t.Parallel()
	with := func(name string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("title: t\nregistries: [{name: \"" + name + "\"}]\nimage: a.example/web:1\nexpect: NotFound\n")}
	}
	if _, err := truth.Load(fstest.MapFS{"a.yaml": with("a.example"), "b.yaml": with("a.example")}); err == nil {
		t.Error("got no error for two scenarios with a registry of the same name")
	}
	all, err := truth.Load(fstest.MapFS{"a.yaml": with("localhost:5000"), "b.yaml": with("localhost:5000"), "c.txt": with("x")})
	if err != nil || len(all) != 2 {
		t.Errorf("got %d scenarios and error %v, want two that share localhost", len(all), err)
	}
}
