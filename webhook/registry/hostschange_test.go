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

// Two registries behind one mirror: what it wants to see for the one is nothing to the other.
func TestMemoryIsForOneConfiguration(t *testing.T) {
	t.Parallel()
	const other = "other.example.net"
	tests := map[string]string{
		"another registry": toReplica,
		"another header":   toReplica + "header = {x-key = \"k\"}\n",
		"another TLS":      toReplica + "skip_verify = true\n",
		"another path":     "[host.\"https://" + replica + "/\"]\n",
	}
	for name, hosts := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMirrored(t, toReplica, bearer())
			pushWeb(t, m.mirror)
			plant(t, m.root, map[string]string{other + "/hosts.toml": hosts})
			fresh := []string{"HEAD shop/web:1 401", "POST /token alice 200", "HEAD shop/web:1 token=alice 200"}
			for _, ref := range []string{web, other + "/shop/web:1"} {
				wantVerdict(t, m.ask(ref, alice()), "Pullable")
				wantWire(t, m.mirror, fresh...)
				wantVerdict(t, m.ask(ref, alice()), "Pullable")
				wantWire(t, m.mirror, fresh[2])
			}
		})
	}
}

func TestChangesAreNoticed(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC))
	base := t.TempDir()
	plant(t, base, map[string]string{"1/" + host + "/hosts.toml": "", "2/" + host + "/hosts.toml": toReplica})
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
		{change: func() { link(t, "2", data) }, want: "Pullable"}, // as a ConfigMap is changed
		{change: func() {}, after: time.Second, onMirror: true, want: "Pullable"},
		{change: func() { link(t, "gone", data) }, after: time.Second, want: "RegistryUnavailable: the nodes' registry hosts or their certificates can't be read"},
		{change: func() { link(t, "1", data) }, after: time.Second, want: "Pullable"},
	}
	for i, step := range steps {
		step.change()
		clock.SetTime(clock.Now().Add(step.after))
		wantVerdict(t, m.ask(web, anonymous()), step.want)
		if got := len(m.mirror.Requests()) > 0; got != step.onMirror {
			t.Errorf("step %d: the mirror was asked: %t, want %t", i, got, step.onMirror)
		}
		m.mirror.ResetRequests()
	}
}

// link turns a symbolic link, in one step.
func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name+".new"); err != nil {
		t.Fatalf("linking: %v", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatalf("renaming: %v", err)
	}
}

func TestATreeThatIsNotThere(t *testing.T) {
	t.Parallel()
	root := plant(t, "", map[string]string{"file": ""})
	for name, want := range map[string]string{
		"gone": "reading the nodes' hosts: stat " + filepath.Join(root, "gone") + ": no such file or directory",
		"file": "the nodes' hosts are in no directory",
	} {
		if _, err := registry.New(registry.Options{HostsDir: filepath.Join(root, name)}); err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

// Certificates are read anew, too: a renewed one is shown, and a connection that another has made is not used for it.
func TestRenewedCertificates(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC))
	stranger, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("NewCA: %v", err)
	}
	m := newMirrored(t, "server = \"https://"+replica+"\"\nca = \"ca.pem\"\n", testregistry.Config{CA: stranger}, func(o *registry.Options) {
		o.Clock = clock
		plant(t, o.HostsDir, map[string]string{host + "/ca.pem": string(stranger.PEM())})
	})
	pushWeb(t, m.mirror)
	wantVerdict(t, m.ask(web, anonymous()), "Pullable")

	another, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("NewCA: %v", err)
	}
	plant(t, m.root, map[string]string{host + "/ca.pem": string(another.PEM())})
	clock.SetTime(clock.Now().Add(time.Second))
	wantVerdict(t, m.ask(web, anonymous()),
		"RegistryUnavailable: mirror "+replica+": the registry's certificate is from an authority unknown to Pullgate; transient")
}
