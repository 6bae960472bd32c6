package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/pullgate/pullgate/test/process"
	"github.com/pullgate/pullgate/test/registry"
)

// fakeAPIServer is an API server without namespaces. While it is forbidden, it rejects every request.
type fakeAPIServer struct {
	mu        sync.Mutex
	forbidden bool
}

func (s *fakeAPIServer) setForbidden(forbidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forbidden = forbidden
}

func (s *fakeAPIServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	forbidden := s.forbidden
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	query := r.URL.Query()
	switch {
	case forbidden:
		status(w, http.StatusForbidden, "Forbidden", "namespaces is forbidden")
	case r.URL.Path != "/api/v1/namespaces":
		status(w, http.StatusNotFound, "NotFound", "not found")
	case query.Get("sendInitialEvents") == "true":
		status(w, http.StatusUnprocessableEntity, "Invalid", "sendInitialEvents is forbidden")
	case query.Get("watch") != "":
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	default:
		fmt.Fprint(w, `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"1"},"items":[]}`)
	}
}

func status(w http.ResponseWriter, code int, reason, message string) {
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"message":%q,"code":%d}`, reason, message, code)
}

// start serves at an address where nothing listened before.
func (s *fakeAPIServer) start(t *testing.T, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}}
	server.Start()
	t.Cleanup(server.CloseClientConnections)
}

// serveFixture is a running "serve".
type serveFixture struct {
	webhook, health, metrics, debug, apiServer string
	configFile                                 string
	log                                        *process.Buffer
	terminate                                  context.CancelFunc
	ended                                      chan error
	client                                     *http.Client
}

func startServe(t *testing.T) *serveFixture {
	t.Helper()
	ports, err := process.FreePorts(5)
	if err != nil {
		t.Fatal(err)
	}
	address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	dir := t.TempDir()
	ca, err := registry.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.CertificatePEM("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := `{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c"}}],` +
		`"clusters":[{"name":"c","cluster":{"server":"http://` + address(0) + `"}}]}`
	for name, data := range map[string][]byte{
		"tls.crt": cert, "tls.key": key, "kubeconfig": []byte(kubeconfig),
		"config.yaml": []byte("apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\nnodes: {watch: false}\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := &serveFixture{
		configFile: filepath.Join(dir, "config.yaml"),
		apiServer:  address(0), webhook: "https://" + address(1) + "/validate?timeout=5s",
		health: "http://" + address(2), metrics: "http://" + address(3) + "/metrics",
		debug: "http://" + address(4),
		log:   &process.Buffer{}, ended: make(chan error, 1),
		client: &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 100,
		}},
	}
	t.Cleanup(f.client.CloseIdleConnections)
	logging, err := newLogging(f.log, logOptions{level: "info", format: formatJSON})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f.terminate = cancel
	go func() {
		f.ended <- serve(ctx, serveOptions{
			configFile: filepath.Join(dir, "config.yaml"), kubeconfig: filepath.Join(dir, "kubeconfig"), certDir: dir,
			webhookPort: ports[1], healthAddr: address(2), metricsAddr: address(3), shutdownDelay: 5 * time.Second,
			debug: debugOptions{address: address(4), profiling: true}, log: logging,
		})
	}()
	return f
}

// write changes the configuration.
func (f *serveFixture) write(t *testing.T, keys string) {
	t.Helper()
	text := "apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\n" + keys
	if err := os.WriteFile(f.configFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// get returns the status code of a GET request, or 0, and the body.
func (f *serveFixture) get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, ""
	}
	return resp.StatusCode, string(body)
}

// review sends a review of a namespace with a valid mode, which is admitted. It reports whether the connection is closed after it.
func (f *serveFixture) review(t *testing.T) (closed bool) {
	t.Helper()
	const review = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"CREATE",` +
		`"kind":{"group":"","version":"v1","kind":"Namespace"},"name":"shop","namespace":"shop","object":{"metadata":{"name":"shop"}}}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.webhook, strings.NewReader(review))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := f.client.Do(req)
	if err != nil {
		t.Fatalf("sending a review: %v", err)
	}
	defer resp.Body.Close()
	var got struct{ Response struct{ Allowed bool } }
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || !got.Response.Allowed {
		t.Errorf("review: allowed %v, %v; status %d", got.Response.Allowed, err, resp.StatusCode)
	}
	return resp.Close
}

// TestServeFromAnOutageToItsEnd is one test, since the metrics are registered once in a process. The API server is away, then
// forbids everything, then works. The process is alive all the time, ready at the end, and responds until after the signal.
func TestServeFromAnOutageToItsEnd(t *testing.T) {
	t.Parallel()
	f := startServe(t)
	is := func(path string, want int) func() bool {
		return func() bool {
			select {
			case err := <-f.ended:
				t.Fatalf("serve ended: %v\n%s", err, f.log)
			default:
			}
			code, _ := f.get(t, f.health+path)
			return code == want
		}
	}
	await(t, is("/healthz", http.StatusOK))
	await(t, func() bool { return strings.Contains(f.log.String(), "connection refused") })
	if !is("/readyz", http.StatusInternalServerError)() {
		t.Error("ready without an API server")
	}

	api := &fakeAPIServer{}
	api.setForbidden(true)
	api.start(t, f.apiServer)
	await(t, func() bool {
		_, body := f.get(t, f.health+"/readyz?verbose")
		return strings.Contains(body, "[-]api-server failed")
	})
	if !is("/healthz", http.StatusOK)() || !is("/readyz", http.StatusInternalServerError)() {
		t.Error("want alive and not ready without rights")
	}

	api.setForbidden(false)
	await(t, is("/readyz", http.StatusOK))
	if f.review(t) {
		t.Error("the connection is closed while the process runs")
	}
	const expiry = "\npullgate_certificate_expiry_timestamp_seconds "
	if _, body := f.get(t, f.metrics); !strings.Contains(body, expiry) || strings.Contains(body, expiry+"0\n") {
		t.Error("the metrics lack the expiry of the certificate")
	}
	checkExported(t, ctrlmetrics.Registry)

	f.write(t, "nodes: {watch: false}\ndefaultMode: strict\n")
	await(t, func() bool { return strings.Contains(f.log.String(), "configuration refused") })
	f.write(t, "nodes: {watch: true}\ndefaultMode: audit\ncache: {tagTTL: 1h}\n")
	await(t, func() bool { return strings.Contains(f.log.String(), "configuration reloaded") })
	if !strings.Contains(f.log.String(), `"a changed key needs a restart","key":"nodes.watch"`) {
		t.Error("the log does not name the key that needs a restart")
	}
	if f.review(t) || !is("/readyz", http.StatusOK)() {
		t.Error("a change of the configuration ends connections or readiness")
	}
	_, body := f.get(t, f.metrics)
	for _, series := range []string{
		`pullgate_config_reloads_total{result="failure"} 1`, `pullgate_config_reloads_total{result="success"} 1`,
		"pullgate_config_last_reload_successful 1", "pullgate_webhook_configuration_present 0", "pullgate_cache_entries 0",
	} {
		if !strings.Contains(body, "\n"+series+"\n") {
			t.Errorf("the metrics lack %s", series)
		}
	}

	slog.Info("by the default logger")
	log.Print("by package log")
	klog.InfoS("by klog")
	klog.Background().Info("by a contextual logger of klog")
	ctrl.Log.Info("by controller-runtime")
	lines := logLines(t, f.log.String())
	for text, level := range map[string]string{
		"by the default logger": "INFO", "by package log": "WARN", "by klog": "INFO", "by a contextual logger of klog": "INFO",
		"by controller-runtime": "INFO", "readiness check fails": "WARN", "readiness check passes": "INFO", "starting": "INFO",
	} {
		if !slices.ContainsFunc(lines, func(line map[string]any) bool { return line["msg"] == text && line["level"] == level }) {
			t.Errorf("no line of the level %s with the message %q:\n%s", level, text, f.log)
		}
	}

	if code, body := f.get(t, f.debug+logLevelPath); code != http.StatusOK || body != "info\n" {
		t.Errorf("the level of the log: status %d with %q, want info", code, body)
	}
	if code, _ := f.get(t, f.debug+"/debug/pprof/heap"); code != http.StatusOK {
		t.Errorf("the heap profile: status %d", code)
	}

	f.terminate()
	await(t, is("/readyz", http.StatusInternalServerError))
	if !f.review(t) {
		t.Error("the connection is kept after the signal")
	}
	if err := <-f.ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	failures := map[any]bool{}
	for _, line := range logLines(t, f.log.String()) {
		if line["msg"] == "readiness check fails" {
			failures[fmt.Sprint(line["check"], ": ", line["cause"])] = true
		}
	}
	if !failures["shutdown: the process is ending"] {
		t.Errorf("the log has the failed checks %v, want the check shutdown", failures)
	}
}
