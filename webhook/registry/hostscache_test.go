package registry_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

// Two registries may have the same mirror. A challenge for one is not answered for the other.
func TestCachesAreForOneConfiguration(t *testing.T) {
	t.Parallel()
	const other = "other.example.net"
	tests := map[string]string{
		"another registry": replicaHosts,
		"another header":   replicaHosts + "header = {x-key = \"k\"}\n",
		"another TLS":      replicaHosts + "skip_verify = true\n",
		"another path":     "[host.\"https://" + replica + "/\"]\n",
	}
	for name, hosts := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMirrored(t, replicaHosts, bearer())
			pushWeb(t, m.mirror)
			writeTree(t, m.root, map[string]string{other + "/hosts.toml": hosts})
			fresh := []string{"HEAD shop/web:1 401", "POST /token alice 200", "HEAD shop/web:1 token=alice 200"}
			for _, ref := range []string{web, other + "/shop/web:1"} {
				wantVerdict(t, m.resolve(ref, alice()), "Pullable")
				wantWire(t, m.mirror, fresh...)
				wantVerdict(t, m.resolve(ref, alice()), "Pullable")
				wantWire(t, m.mirror, fresh[2])
			}
		})
	}
}

func TestHostsChangesTakeEffect(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC))
	base := t.TempDir()
	writeTree(t, base, map[string]string{"1/" + host + "/hosts.toml": "", "2/" + host + "/hosts.toml": replicaHosts})
	data, root := filepath.Join(base, "..data"), filepath.Join(base, "tree")
	link(t, "1", data)
	link(t, "..data", root)
	m := newMirrored(t, "", testregistry.Config{}, func(o *registry.Options) { o.Clock, o.HostsDir = clock, root })
	pushWeb(t, m.mirror)
	steps := []struct {
		change   func()
		after    time.Duration
		onMirror bool
		want     string
	}{
		{change: func() {}, want: "Pullable"},
		{change: func() { link(t, "2", data) }, want: "Pullable"}, // as the kubelet updates a ConfigMap
		{change: func() {}, after: time.Second, onMirror: true, want: "Pullable"},
		{change: func() { link(t, "gone", data) }, after: time.Second, want: "RegistryUnavailable: the nodes' registry hosts or their certificates cannot be read"},
		{change: func() { link(t, "1", data) }, after: time.Second, want: "Pullable"},
	}
	for i, step := range steps {
		step.change()
		clock.SetTime(clock.Now().Add(step.after))
		wantVerdict(t, m.resolve(web, anonymous()), step.want)
		if got := len(m.mirror.Requests()) > 0; got != step.onMirror {
			t.Errorf("step %d: the mirror received a request: %t, want %t", i, got, step.onMirror)
		}
		m.mirror.ResetRequests()
	}
}

// Verdicts from before a change of the hosts are out of date. A tree that cannot be read for a moment is not a change.
func TestRoutedSince(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	clock := clocktesting.NewFakePassiveClock(start)
	m := newMirrored(t, replicaHosts, testregistry.Config{}, func(o *registry.Options) { o.Clock = clock })
	write := func(hosts string) func() {
		return func() { writeTree(t, m.root, map[string]string{host + "/hosts.toml": hosts}) }
	}
	away := m.root + ".away"
	steps := []struct {
		name   string
		change func()
		want   time.Duration // after the start; zero for never
	}{
		{"the first reading", func() {}, 0},
		{"no change", func() {}, 0},
		{"the same with a comment", write("# a mirror\n" + replicaHosts), 0},
		{"another capability", write(replicaHosts + "capabilities = [\"pull\"]\n"), 3 * time.Second},
		{"the server before the mirror", write("server = \"https://" + replica + "\"\n"), 4 * time.Second},
		{"a header", write("server = \"https://" + replica + "\"\nheader = {x-key = \"k\"}\n"), 5 * time.Second},
		{"the tree is missing", func() { rename(t, m.root, away) }, 5 * time.Second},
		{"the tree is back", func() { rename(t, away, m.root) }, 5 * time.Second},
		{"no usable host", write("server = \"httpx://x\"\n"), 8 * time.Second},
		{"a usable host again", write(""), 9 * time.Second},
	}
	for i, step := range steps {
		step.change()
		clock.SetTime(start.Add(time.Duration(i) * time.Second))
		want := time.Time{}
		if step.want > 0 {
			want = start.Add(step.want)
		}
		if got := m.client.RoutedSince(host); !got.Equal(want) {
			t.Errorf("%s: routed since %v, want %v", step.name, got, want)
		}
	}
}

// Without a tree or a local registry, endpoints cannot change.
func TestRoutedSinceIsZeroWithoutHosts(t *testing.T) {
	t.Parallel()
	for name, local := range map[string]func(string) (string, bool){
		"no function":       nil,
		"no local registry": func(string) (string, bool) { return "", false },
	} {
		w := newFixture(t, testregistry.Config{}, func(o *registry.Options) { o.LocalRegistry = local })
		if got := w.client.RoutedSince(host); !got.IsZero() {
			t.Errorf("%s: routed since %v, want no time", name, got)
		}
	}
}

func TestRoutedSinceTheLocalRegistryMoved(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	clock := clocktesting.NewFakePassiveClock(start)
	address := "10.0.0.1:5000"
	w := newFixture(t, testregistry.Config{}, func(o *registry.Options) {
		o.Clock, o.LocalRegistry = clock, func(string) (string, bool) { return address, address != "" }
	})
	for i, step := range []struct {
		address string
		want    time.Time
	}{
		{"10.0.0.1:5000", time.Time{}},
		{"10.0.0.2:5000", start.Add(time.Second)},
		{"10.0.0.2:5000", start.Add(time.Second)},
		{"", start.Add(3 * time.Second)},
	} {
		address = step.address
		clock.SetTime(start.Add(time.Duration(i) * time.Second))
		if got := w.client.RoutedSince("localhost:5001"); !got.Equal(step.want) {
			t.Errorf("step %d: routed since %v, want %v", i, got, step.want)
		}
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatalf("renaming: %v", err)
	}
}

// link replaces a symbolic link atomically.
func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name+".new"); err != nil {
		t.Fatalf("linking: %v", err)
	}
	rename(t, name+".new", name)
}

func TestNewRejectsAMissingTree(t *testing.T) {
	t.Parallel()
	root := writeTree(t, "", map[string]string{"file": ""})
	for name, want := range map[string]string{
		"gone": "reading the nodes' hosts: stat " + filepath.Join(root, "gone") + ": no such file or directory",
		"file": "reading the nodes' hosts: not a directory",
	} {
		if _, err := registry.New(registry.Options{HostsDir: filepath.Join(root, name)}); err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

// Certificates are read again too. A connection that was made with the old ones is not used again.
func TestRenewedCertificatesTakeEffect(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC))
	stranger, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("NewCA: %v", err)
	}
	m := newMirrored(t, "server = \"https://"+replica+"\"\nca = \"ca.pem\"\n", testregistry.Config{CA: stranger}, func(o *registry.Options) {
		o.Clock = clock
		writeTree(t, o.HostsDir, map[string]string{host + "/ca.pem": string(stranger.PEM())})
	})
	pushWeb(t, m.mirror)
	wantVerdict(t, m.resolve(web, anonymous()), "Pullable")

	another, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("NewCA: %v", err)
	}
	writeTree(t, m.root, map[string]string{host + "/ca.pem": string(another.PEM())})
	clock.SetTime(clock.Now().Add(time.Second))
	wantVerdict(t, m.resolve(web, anonymous()),
		"RegistryUnavailable: mirror "+replica+": the registry's certificate is from an authority unknown to Pullgate; transient")
}
