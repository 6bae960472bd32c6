package cluster

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOptionsDefaults(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	t.Setenv("KUBEBUILDER_ASSETS", "/assets")
	dir, err := DefaultDir()
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		options Options
		want    Plan
	}{
		"defaults": {
			want: Plan{Dir: dir, Programs: filepath.Join(here, "bin", "cluster"), Assets: "/assets"},
		},
		"all options": {
			options: Options{Dir: "/a/b", Programs: "/c", Assets: "/d"},
			want:    Plan{Dir: "/a/b", Programs: "/c", Assets: "/d"},
		},
		"relative paths": {
			options: Options{Dir: "a", Programs: "b", Assets: "c/"},
			want:    Plan{Dir: filepath.Join(here, "a"), Programs: filepath.Join(here, "b"), Assets: filepath.Join(here, "c")},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := tt.options.plan()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the plan differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOptionsRejectSpecialCharactersInPaths(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"/a b", "/it's", `/a"b`, "/a\nb", "/a{b"} {
		if _, err := (Options{Dir: dir, Programs: "/c", Assets: "/d"}).plan(); !errors.Is(err, errPath) {
			t.Errorf("%q: got error %v, want %v", dir, err, errPath)
		}
	}
}

func TestDefaultDirRequiresAHome(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	for name, call := range map[string]func() error{
		"plan": func() error { _, err := Options{}.plan(); return err },
		"open": func() error { _, err := Open(""); return err },
		"down": func() error { return Down(t.Context(), "") },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "finding the cache folder") {
			t.Errorf("%s: got error %v, want an error about the cache folder", name, err)
		}
	}
}
