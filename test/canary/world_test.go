package canary

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullgate/pullgate/test/registry"
)

// vector is a network with something hostile in it, the canaries, and pods that meet both.
type vector struct {
	// registry is the site of registry.example:443. sites are others, by host and port. All other hosts exist too: they are registries
	// that accept every canary.
	registry site
	sites    map[string]site
	// image is hostile; registry.example/shop/web:1 when empty. control is an image of a harmless repository;
	// registry.example/control/web:1 when empty.
	image, control string
	// steps are by default the hostile image, the control, and the hostile image with another tag.
	steps []step
	// secrets are docker configs by "namespace/name". By default "shop/regcred" has the canary alice for registry.example.
	secrets map[string]string
	// config is the YAML of a configuration, files are in the directory {dir}, and environ is the environment of serve.
	config  string
	files   map[string]string
	environ []string
	// belongs lists the hosts that may receive a canary, by its name. The first one must receive it. A canary with an empty list
	// comes from the registry.
	belongs map[string][]string
	// visits lists hosts that must receive a request.
	visits []string
	// serveOnly excludes the vector from "pullgate check", whose network is a proxy.
	serveOnly bool
}

// step is the admission of one pod.
type step struct {
	namespace string // "shop" when empty
	image     string
	secrets   []string // "regcred" when nil
	// without lists canaries that no host may receive in this step.
	without []string
	// allowed requires that the pod is admitted without a warning.
	allowed bool
}

func (v vector) withDefaults() vector {
	if v.belongs == nil {
		v.belongs = map[string][]string{"alice": {"registry.example:443"}}
	}
	if v.secrets == nil {
		v.secrets = map[string]string{"shop/regcred": `{"auths":{"registry.example":{"auth":"{alice.auth}"}}}`}
	}
	v.image = cmp.Or(v.image, "registry.example/shop/web:1")
	v.control = cmp.Or(v.control, "registry.example/control/web:1")
	if v.steps == nil {
		v.steps = []step{{image: v.image}, {image: v.control, allowed: true}, {image: v.image + "2"}}
	}
	v.steps = slices.Clone(v.steps)
	for i, s := range v.steps {
		v.steps[i].namespace = cmp.Or(s.namespace, "shop")
		if s.secrets == nil {
			v.steps[i].secrets = []string{"regcred"}
		}
	}
	return v
}

// world is the network of a vector. Each host and port begins with the first connection to it.
type world struct {
	vector
	ca       *registry.CA
	http2    bool
	dir      string
	canaries map[string]canary
	text     *strings.Replacer
	open     sync.WaitGroup

	mu    sync.Mutex
	hosts map[string]*host
	// clients are the clients' ends of all connections. None begins after ended is set.
	clients []net.Conn
	ended   bool
}

func newWorld(t *testing.T, v vector, http2 bool) *world {
	t.Helper()
	ca, err := registry.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{vector: v.withDefaults(), ca: ca, http2: http2, dir: t.TempDir(), canaries: map[string]canary{}, hosts: map[string]*host{}}
	t.Cleanup(w.stop)
	replacements := []string{"{dir}", w.dir}
	for name := range w.belongs {
		w.canaries[name] = newCanary()
		replacements = append(replacements, w.canaries[name].placeholders(name)...)
	}
	w.text = strings.NewReplacer(replacements...)
	for name, text := range w.files {
		path := filepath.Join(w.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(w.text.Replace(text)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// configuration returns the configuration file of the vector.
func (w *world) configuration() string {
	const header = "apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\nretry: {maxAttempts: 1}\n" +
		"timeouts: {admission: 20s, request: 10s, connect: 5s}\n" // a slow machine is not the subject
	return header + w.text.Replace(w.config)
}

// dial connects to the host of a name. Names are equal without regard to case and to a final dot.
func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	h, err := w.host(net.JoinHostPort(strings.TrimSuffix(strings.ToLower(name), "."), port))
	if err != nil {
		return nil, err
	}
	if err := w.begin(); err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, h.listener.Addr().String())
	if err != nil {
		w.open.Done()
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	w.clients = append(w.clients, conn)
	return conn, nil
}

// begin counts a new connection.
func (w *world) begin() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return net.ErrClosed
	}
	w.open.Add(1)
	return nil
}

func (w *world) host(name string) (*host, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h, ok := w.hosts[name]; ok {
		return h, nil
	}
	domain, _, err := net.SplitHostPort(name)
	if err != nil {
		return nil, err
	}
	handler := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.serve(name, rw, r) })
	h, err := startHost(w.ca, domain, w.http2, handler, w.open.Done)
	if err == nil {
		w.hosts[name] = h
	}
	return h, err
}

// settle ends all connections, and waits until their hosts have read every byte. The clients send nothing more.
func (w *world) settle(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	w.ended = true
	for _, conn := range w.clients {
		if c, ok := conn.(*net.TCPConn); ok {
			_ = c.CloseWrite() // an error means that it is closed
		}
	}
	w.mu.Unlock()
	settled := make(chan struct{})
	go func() {
		w.open.Wait()
		close(settled)
	}()
	select {
	case <-settled:
	case <-time.After(30 * time.Second):
		t.Fatal("a connection does not end")
	}
}

func (w *world) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.hosts {
		h.stop()
	}
	for _, conn := range w.clients {
		_ = conn.Close()
	}
}

// lengths returns how many bytes each host has received.
func (w *world) lengths() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	lengths := map[string]int{}
	for name, h := range w.hosts {
		lengths[name] = len(h.bytesSince(0))
	}
	return lengths
}

// receivers returns the hosts that have received a canary, after the given lengths.
func (w *world) receivers(c canary, since map[string]int) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for name, h := range w.hosts {
		if c.leaked(h.bytesSince(since[name])) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// check compares the receivers of each canary with the hosts to which it belongs.
func (w *world) check(t *testing.T) {
	t.Helper()
	for name, own := range w.belongs {
		receivers := w.receivers(w.canaries[name], nil)
		for _, receiver := range receivers {
			if !slices.Contains(own, receiver) {
				t.Errorf("%s received the canary %s", receiver, name)
			}
		}
		if len(own) > 0 && !slices.Contains(receivers, own[0]) {
			t.Errorf("the vector is blind: %s did not receive the canary %s", own[0], name)
		}
	}
	for _, name := range w.visits {
		if h, err := w.host(name); err != nil || !h.wasRequested() {
			t.Errorf("the vector is blind: %s received no request", name)
		}
	}
	if t.Failed() {
		t.Log(w.summary())
	}
}

// checkText reports the canaries in a text that people other than the owner of the credential may read.
func (w *world) checkText(t *testing.T, what string, text []byte) {
	t.Helper()
	for name, c := range w.canaries {
		if c.leaked(text) {
			t.Errorf("the %s has the canary %s", what, name)
		}
	}
}

// summary returns the requests that each host received.
func (w *world) summary() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for name, h := range w.hosts {
		fmt.Fprintf(&b, "%s: %s\n", name, h.summary())
	}
	return b.String()
}
