package cluster

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// place makes files with nothing in them.
func place(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := writeFile(filepath.Join(dir, name), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// having looks only the given commands up with success.
func having(commands ...string) func(string) (string, error) {
	return func(name string) (string, error) {
		if slices.Contains(commands, name) {
			return "/usr/bin/" + name, nil
		}
		return "", exec.ErrNotFound
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	plugins := t.TempDir()
	place(t, plugins, "bridge", "host-local")
	half := t.TempDir()
	place(t, half, "bridge")
	all := having("runc", "iptables", "conntrack", "ip")
	const install = "the node needs more programs: apt-get install -y --no-install-recommends "
	tests := map[string]struct {
		needs needs
		want  string
	}{
		"all is there": {needs: needs{os: "linux", lookPath: all, pluginDirs: []string{half, plugins}}},
		"not Linux":    {needs: needs{os: "darwin", lookPath: all}, want: errNotLinux.Error()},
		"not root":     {needs: needs{os: "linux", uid: 1000, lookPath: all}, want: errNotRoot.Error()},
		"commands are missing": {
			needs: needs{os: "linux", lookPath: having("ip", "iptables"), pluginDirs: []string{plugins}},
			want:  install + "conntrack runc",
		},
		"plugins are missing": {
			needs: needs{os: "linux", lookPath: all, pluginDirs: []string{half, "/nowhere"}},
			want:  install + "containernetworking-plugins",
		},
		"nothing is there": {
			needs: needs{os: "linux", lookPath: having()},
			want:  install + "conntrack containernetworking-plugins iproute2 iptables runc",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.needs.check()
			if tt.want == "" && (err != nil || got != plugins) {
				t.Errorf("got %q and error %v, want %q", got, err, plugins)
			}
			if tt.want != "" && (err == nil || err.Error() != tt.want) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestCheckPrograms(t *testing.T) {
	t.Parallel()
	p := Plan{Programs: filepath.Join(t.TempDir(), "a"), Assets: filepath.Join(t.TempDir(), "b")}
	for dir, names := range p.programs() {
		place(t, dir, names...)
	}
	if err := p.checkPrograms(); err != nil {
		t.Errorf("everything is built: got error %v", err)
	}
	for dir, names := range p.programs() {
		for _, name := range names {
			path := filepath.Join(dir, name)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			want := "there is no " + path + ": run `make cluster-programs`, which builds it"
			if err := p.checkPrograms(); err == nil || err.Error() != want {
				t.Errorf("without %s: got error %v, want %q", name, err, want)
			}
			place(t, dir, name)
		}
	}
}

func TestCheckThisMachine(t *testing.T) {
	t.Parallel()
	_, err := Up(t.Context(), Options{Dir: t.TempDir(), Programs: "/nowhere", Assets: "/nowhere"})
	switch checked := Check(); {
	case err == nil:
		t.Error("a cluster came up without programs")
	case checked != nil && err.Error() != checked.Error():
		t.Errorf("got error %v, want that of Check: %v", err, checked)
	case checked == nil && !strings.Contains(err.Error(), "make cluster-programs"):
		t.Errorf("got error %v, want one that says how to build the programs", err)
	}
	if checked := Check(); os.Geteuid() != 0 && !errors.Is(checked, errNotRoot) && !errors.Is(checked, errNotLinux) {
		t.Errorf("Check says %v to somebody who isn't root", checked)
	}
}
