package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/metrics"
	"github.com/pullgate/pullgate/webhook/policy"
)

const configurationHead = "apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\n"

// reloadFixture is a reloader with a file in memory, and the modes that were put to use.
type reloadFixture struct {
	*reloader
	registry *prometheus.Registry
	text     bytes.Buffer // the log

	mu   sync.Mutex
	file string
	err  error
	used []policy.Mode
	// refuse is the error of use.
	refuse error
	// retiring blocks the end of a former configuration until it is closed, if it is not nil.
	retiring chan struct{}
}

func newReloadFixture(t *testing.T, file string) *reloadFixture {
	t.Helper()
	f := &reloadFixture{registry: prometheus.NewPedanticRegistry(), file: file}
	reloads, err := metrics.NewReloads(f.registry, configurationHash([]byte(file)))
	if err != nil {
		t.Fatal(err)
	}
	f.reloader = &reloader{
		file: "config.yaml", read: f.readFile, use: f.useConfiguration, metrics: reloads,
		log: slog.New(slog.NewTextHandler(&f.text, nil)), handled: configurationHash([]byte(file)),
	}
	return f
}

func (f *reloadFixture) readFile(string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []byte(f.file), f.err
}

func (f *reloadFixture) useConfiguration(_ context.Context, c config.Configuration) (func(), bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return nil, false, f.refuse
	}
	f.used = append(f.used, c.DefaultMode)
	return func() {
		if f.retiring != nil {
			<-f.retiring
		}
	}, true, nil
}

// write changes the file.
func (f *reloadFixture) write(file string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.file, f.err = file, err
}

func (f *reloadFixture) modes() []policy.Mode {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]policy.Mode{}, f.used...)
}

// wantMetrics compares the metrics.
func (f *reloadFixture) wantMetrics(t *testing.T, hash string, successful, successes, failures int) {
	t.Helper()
	want := fmt.Sprintf(`
# HELP pullgate_config_info Always 1, with the hash of the configuration in use: the first 12 digits of its SHA-256.
# TYPE pullgate_config_info gauge
pullgate_config_info{hash=%q} 1
# HELP pullgate_config_last_reload_successful Whether the configuration file is in use (1), or was refused (0).
# TYPE pullgate_config_last_reload_successful gauge
pullgate_config_last_reload_successful %d
# HELP pullgate_config_reloads_total Changes of the configuration file, by result (success, failure). After a failure the former configuration stays in use.
# TYPE pullgate_config_reloads_total counter
pullgate_config_reloads_total{result="failure"} %d
pullgate_config_reloads_total{result="success"} %d
`, hash, successful, failures, successes)
	if err := testutil.GatherAndCompare(f.registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

// run starts the reloader, and returns a function that lets it read twice, so that a change counts.
func (f *reloadFixture) run(t *testing.T) (readTwice func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- f.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Start() = %v", err)
		}
	})
	return func() {
		time.Sleep(2 * reloadInterval)
		synctest.Wait()
	}
}

func TestAChangedFileIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := configurationHead+"defaultMode: audit\n", configurationHead+"defaultMode: enforce\n"
		f := newReloadFixture(t, first)
		readTwice := f.run(t)
		readTwice()
		if used := f.modes(); len(used) > 0 {
			t.Errorf("an unchanged file is used again: %v", used)
		}
		f.write(second, nil)
		readTwice()
		readTwice()
		if diff := cmp.Diff([]policy.Mode{policy.ModeEnforce}, f.modes()); diff != "" {
			t.Errorf("used (-want +got):\n%s", diff)
		}
		f.wantMetrics(t, configurationHash([]byte(second)), 1, 1, 0)
		if !strings.Contains(f.text.String(), "configuration reloaded") || !strings.Contains(f.text.String(), configurationHash([]byte(second))) {
			t.Errorf("log = %s", f.text.String())
		}
	})
}

// The start of a file may be valid while an editor writes the rest of it.
func TestAFileThatIsBeingWrittenIsNotUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		whole := configurationHead + "defaultMode: audit\n"
		f := newReloadFixture(t, configurationHead)
		f.run(t)
		time.Sleep(reloadInterval / 2)
		for length := range len(whole) {
			f.write(whole[:length], nil)
			time.Sleep(reloadInterval)
		}
		if used := f.modes(); len(used) > 0 {
			t.Errorf("a part of the file is used: %v", used)
		}
		f.write(whole, nil)
		time.Sleep(2 * reloadInterval)
		synctest.Wait()
		if diff := cmp.Diff([]policy.Mode{policy.ModeAudit}, f.modes()); diff != "" {
			t.Errorf("used (-want +got):\n%s", diff)
		}
	})
}

func TestABadFileIsRefusedOnce(t *testing.T) {
	t.Parallel()
	good := configurationHead + "defaultMode: audit\n"
	tests := map[string]struct {
		file string
		err  error
		use  error
		want []string // in the log
	}{
		"two mistakes":       {configurationHead + "defaultMode: strict\nlimits: {total: 0}\n", nil, nil, []string{"line 3: defaultMode", "line 4: limits.total"}},
		"not YAML":           {"{", nil, nil, []string{"not valid YAML"}},
		"no file":            {"", fs.ErrNotExist, nil, []string{"file does not exist"}},
		"a file beside":      {good + "deep: true\n", nil, errors.New("nodes.dockerConfig: no such file"), []string{"nodes.dockerConfig: no such file"}},
		"a second document":  {good + "---\ndeep: true\n", nil, nil, []string{"a second YAML document"}},
		"an unknown key":     {good + "surprise: true\n", nil, nil, []string{"line 4: surprise: unknown key"}},
		"permission is gone": {"", fs.ErrPermission, nil, []string{"permission denied"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newReloadFixture(t, good)
				f.refuse = test.use
				readTwice := f.run(t)
				f.write(test.file, test.err)
				for range 5 {
					readTwice()
				}
				f.wantMetrics(t, configurationHash([]byte(good)), 0, 0, 1)
				log := f.text.String()
				if strings.Count(log, "configuration refused") != 1 || !strings.Contains(log, "level=ERROR") {
					t.Errorf("log = %s, want one error", log)
				}
				for _, want := range test.want {
					if !strings.Contains(log, want) {
						t.Errorf("log = %s, want %s", log, want)
					}
				}
				if used := f.modes(); len(used) > 0 {
					t.Errorf("the file is used: %v", used)
				}

				// The file of before is valid again, so that the metric recovers.
				f.refuse = nil
				f.write(good, nil)
				readTwice()
				f.wantMetrics(t, configurationHash([]byte(good)), 1, 1, 1)
			})
		})
	}
}

// However often the file changes, no more than two configurations are in use.
func TestOneChangeIsHandledAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newReloadFixture(t, configurationHead)
		f.retiring = make(chan struct{})
		readTwice := f.run(t)
		for _, mode := range []string{"audit", "enforce", "\"off\"", "warn"} {
			f.write(configurationHead+"defaultMode: "+mode+"\n", nil)
			readTwice()
		}
		if diff := cmp.Diff([]policy.Mode{policy.ModeAudit}, f.modes()); diff != "" {
			t.Errorf("used while reviews of the former configuration are in progress (-want +got):\n%s", diff)
		}
		f.wantMetrics(t, configurationHash([]byte(configurationHead+"defaultMode: audit\n")), 1, 1, 0)
		close(f.retiring)
		readTwice()
		if diff := cmp.Diff([]policy.Mode{policy.ModeAudit, policy.ModeWarn}, f.modes()); diff != "" {
			t.Errorf("used (-want +got):\n%s", diff)
		}
	})
}

// A kubelet changes a mounted ConfigMap by a rename of the link ..data, which the file's own link follows.
func TestAMountedConfigMapIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	version := func(name, text string) {
		if err := errors.Join(
			os.Mkdir(filepath.Join(dir, name), 0o700),
			os.WriteFile(filepath.Join(dir, name, "config.yaml"), []byte(text), 0o600),
			os.Symlink(name, filepath.Join(dir, "..data_tmp")),
			os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")),
		); err != nil {
			t.Fatal(err)
		}
	}
	version("..first", configurationHead)
	if err := os.Symlink(filepath.Join("..data", "config.yaml"), filepath.Join(dir, "config.yaml")); err != nil {
		t.Fatal(err)
	}
	f := newReloadFixture(t, configurationHead)
	f.reloader.file, f.read = filepath.Join(dir, "config.yaml"), os.ReadFile
	poll := func() {
		f.poll(t.Context())
		f.poll(t.Context())
	}
	poll()
	version("..second", configurationHead+"defaultMode: enforce\n")
	poll()
	if diff := cmp.Diff([]policy.Mode{policy.ModeEnforce}, f.modes()); diff != "" {
		t.Errorf("used (-want +got):\n%s", diff)
	}
	if err := os.RemoveAll(filepath.Join(dir, "..second")); err != nil {
		t.Fatal(err)
	}
	poll()
	f.wantMetrics(t, configurationHash([]byte(configurationHead+"defaultMode: enforce\n")), 0, 1, 1)
}
