package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	plugins := t.TempDir()
	createFiles(t, plugins, "bridge", "host-local")
	half := t.TempDir()
	createFiles(t, half, "bridge")
	all := lookPathOf("runc", "iptables", "conntrack", "ip")
	const install = "programs are missing on this machine: apt-get install -y --no-install-recommends "
	tests := map[string]struct {
		needs needs
		want  string
	}{
		"everything is installed": {needs: needs{os: "linux", lookPath: all, pluginDirs: []string{half, plugins}}},
		"not Linux":               {needs: needs{os: "darwin", lookPath: all}, want: errNotLinux.Error()},
		"not root":                {needs: needs{os: "linux", uid: 1000, lookPath: all}, want: errNotRoot.Error()},
		"missing commands": {
			needs: needs{os: "linux", lookPath: lookPathOf("ip", "iptables"), pluginDirs: []string{plugins}},
			want:  install + "conntrack runc",
		},
		"missing plugins": {
			needs: needs{os: "linux", lookPath: all, pluginDirs: []string{half, "/nowhere"}},
			want:  install + "containernetworking-plugins",
		},
		"nothing is installed": {
			needs: needs{os: "linux", lookPath: lookPathOf()},
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
		createFiles(t, dir, names...)
	}
	if err := p.checkPrograms(); err != nil {
		t.Errorf("with all programs: got error %v", err)
	}
	for dir, names := range p.programs() {
		for _, name := range names {
			path := filepath.Join(dir, name)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			want := path + " is missing: run `make cluster-programs`"
			if err := p.checkPrograms(); err == nil || err.Error() != want {
				t.Errorf("without %s: got error %v, want %q", name, err, want)
			}
			createFiles(t, dir, name)
		}
	}
}

func TestUpReturnsTheErrorOfCheck(t *testing.T) {
	t.Parallel()
	_, err := Up(t.Context(), Options{Dir: t.TempDir(), Programs: "/nowhere", Assets: "/nowhere"})
	switch checked := Check(); {
	case err == nil:
		t.Error("a cluster started without programs")
	case checked != nil && err.Error() != checked.Error():
		t.Errorf("got error %v, want the error of Check: %v", err, checked)
	case checked == nil && !strings.Contains(err.Error(), "make cluster-programs"):
		t.Errorf("got error %v, want an error that names make cluster-programs", err)
	}
	if checked := Check(); os.Geteuid() != 0 && !errors.Is(checked, errNotRoot) && !errors.Is(checked, errNotLinux) {
		t.Errorf("Check without root returns %v", checked)
	}
}
