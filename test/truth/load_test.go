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
		"an unknown view":                                {good + "registries: [{name: a.example, seenBy: all}]\n", "seenBy must be"},
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

func TestSelect(t *testing.T) {
	t.Parallel()
	all := []*truth.Scenario{{Name: "cache/a"}, {Name: "cache/b"}, {Name: "views/a"}}
	tests := map[string]struct{ patterns, want string }{
		"no pattern":     {"", "cache/a cache/b views/a"},
		"a name":         {"cache/b", "cache/b"},
		"a folder":       {"cache/*", "cache/a cache/b"},
		"two patterns":   {"views/*,*/a", "cache/a views/a"},
		"no match":       {"cache", ""},
		"not a pattern":  {"cache/[", ""},
		"an empty entry": {"cache/a,", "cache/a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chosen, err := truth.Select(all, tt.patterns)
			if (err != nil) != (tt.want == "") {
				t.Errorf("got error %v", err)
			}
			var names []string
			for _, s := range chosen {
				names = append(names, s.Name)
			}
			if got := strings.Join(names, " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
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
