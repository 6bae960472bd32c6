package canary

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/test/otlp"
	"github.com/pullgate/pullgate/test/process"
	"github.com/pullgate/pullgate/webhook"
)

// processVectors returns vectors of each kind for the whole process, with a second canary: the token for the API server.
func processVectors() map[string]vector {
	all := commandVectors()
	maps.Copy(all, textVectors())
	names := []string{
		"realm: another domain", "redirect: of the password", "redirect: of the login", "body: the request", "image: user information",
		"secret: its auth is not base64", "secret: its JSON ends early", "secret: a broken URL with the password",
	}
	maps.DeleteFunc(all, func(name string, _ vector) bool { return !slices.Contains(names, name) })
	for name, v := range all {
		v.belongs = map[string][]string{"alice": {"registry.example:443"}, "self": {}}
		all[name] = v
	}
	return all
}

// TestNoCanaryLeavesTheProcess runs "pullgate serve" with everything that it can write: a log of all libraries at the level debug,
// metrics, Events, traces and profiles. Its network is a proxy.
func TestNoCanaryLeavesTheProcess(t *testing.T) {
	t.Parallel()
	binary := build(t)
	if got := len(processVectors()); got != 8 {
		t.Errorf("%d vectors, want 8", got)
	}
	for name, v := range processVectors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, v, true)
			p := w.startServe(t, binary)
			for i, step := range w.steps {
				p.admit(t, i, step)
			}
			for _, url := range []string{p.metrics + "/metrics", p.debug + "/debug/pprof/goroutine?debug=2", p.debug + "/debug/pprof/cmdline"} {
				w.checkText(t, url, []byte(p.get(t, url)))
			}
			log := p.end(t)
			w.settle(t)
			w.check(t)
			w.checkText(t, "log", []byte(log))
			w.checkText(t, "traces", fmt.Append(nil, p.traces.Received()))
			w.checkText(t, "Events", p.api.events())
			if len(p.traces.Spans()) < len(w.steps) {
				t.Errorf("%d spans, want one for each pod at least", len(p.traces.Spans()))
			}
			if !p.api.isAuthenticated() {
				t.Error("the vector is blind: the API server did not receive the token")
			}
			if name == "body: the request" && p.denied == 0 {
				t.Error("the vector is blind: no pod is denied")
			}
			if denied := p.denied > 0; denied != bytes.Contains(p.api.events(), []byte("PodDenied")) {
				t.Errorf("%d pods are denied, and the Events are %s", p.denied, p.api.events())
			}
		})
	}
}

// TestErrorsOfServeAreLoggedWithoutCanaries starts "pullgate serve" with settings that it cannot use.
func TestErrorsOfServeAreLoggedWithoutCanaries(t *testing.T) {
	t.Parallel()
	binary := build(t)
	texts := errorTexts()
	for name, test := range map[string]errorText{
		"a kubeconfig with a broken URL": texts["a kubeconfig with a broken URL"],
		"a kubeconfig that is not YAML":  texts["a kubeconfig that is not YAML"],
		"a tracing endpoint with a password": {
			args: []string{"--tracing-endpoint=http://{alice.user}:{alice.escaped}@192.0.2.1:4318"}, want: "--tracing-endpoint: want a URL without user",
		},
		"a rule with user information": texts["a rule with user information"],
		"a missing file":               {args: []string{"--config=missing.yaml"}, want: "missing.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, vector{files: map[string]string{"file": test.file}, config: test.config}, true)
			args := []string{"serve", "--config", w.write(t, "configuration.yaml", w.configuration()), "--kubeconfig", w.kubeconfig(t, "http://127.0.0.1:1")}
			if test.file != "" {
				args = append(args, "--kubeconfig", filepath.Join(w.dir, "file"))
			}
			if test.args != nil && test.file == "" {
				for _, arg := range test.args {
					args = append(args, w.text.Replace(arg))
				}
			}
			output, err := exec.CommandContext(t.Context(), binary, args...).CombinedOutput()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 {
				t.Errorf("pullgate ended with %v, want status 2", err)
			}
			lines := logLines(t, string(output))
			last := lines[len(lines)-1]
			if want := strings.TrimPrefix(test.want, "error: "); last["level"] != "ERROR" || !strings.Contains(fmt.Sprint(last["error"]), want) {
				t.Errorf("the last line is %v, want an error with %q", last, want)
			}
			w.checkText(t, "log", output)
		})
	}
}

// logLines decodes the lines of a log. Every line must be JSON: all libraries write to one handler.
func logLines(t *testing.T, log string) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for line := range strings.Lines(log) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("line %q of the log is not JSON: %v", line, err)
		}
		lines = append(lines, fields)
	}
	return lines
}

// served is a running "pullgate serve" with everything that it writes.
type served struct {
	world                   *world
	process                 *process.Process
	webhook, metrics, debug string
	logFile                 string
	api                     *apiServer
	traces                  *otlp.Receiver
	client                  *http.Client
	denied                  int
}

func (w *world) startServe(t *testing.T, binary string) *served {
	t.Helper()
	cert, key, err := w.ca.CertificatePEM("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "tls.crt", string(cert))
	w.write(t, "tls.key", string(key))
	ports, err := process.FreePorts(4)
	if err != nil {
		t.Fatal(err)
	}
	address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	s := &served{
		world: w, webhook: "https://" + address(0) + webhook.Path, metrics: "http://" + address(2), debug: "http://" + address(3),
		logFile: filepath.Join(w.dir, "log"), api: startAPIServer(t, w), traces: otlp.Start(),
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.ca.Pool(), MinVersion: tls.VersionTLS12}}},
	}
	t.Cleanup(s.traces.Close)
	t.Cleanup(s.client.CloseIdleConnections)
	log, err := os.Create(s.logFile)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(binary, "serve", "--config", w.write(t, "configuration.yaml", w.configuration()+"nodes: {watch: false}\n"),
		"--kubeconfig", w.kubeconfig(t, s.api.url), "--cert-dir", w.dir, "--shutdown-delay=0s", fmt.Sprintf("--webhook-port=%d", ports[0]),
		"--health-probe-bind-address", address(1), "--metrics-bind-address", address(2), "--debug-bind-address", address(3), "--profiling",
		"--log-level=debug", "--denial-events", "--tracing-endpoint", s.traces.URL, "--tracing-sampling-rate-per-million=1000000")
	cmd.Env = w.environment(t)
	if s.process, err = process.Start(cmd, process.Options{OwnGroup: true, Output: log}); err != nil {
		t.Fatalf("starting pullgate: %v", err)
	}
	t.Cleanup(s.process.Kill)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.process.AwaitReady(ctx, "http://"+address(1)+"/readyz"); err != nil {
		t.Fatal(err)
	}
	return s
}

// kubeconfig writes the connection to an API server, and returns the path of the file.
func (w *world) kubeconfig(t *testing.T, server string) string {
	t.Helper()
	return w.write(t, "kubeconfig", w.text.Replace(`{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
clusters: [{name: c, cluster: {server: "`+server+`", certificate-authority: "`+w.write(t, "ca.pem", string(w.ca.PEM()))+`"}}], users: [{name: u, user: {token: "{self.token}"}}]}`))
}

// admit sends a pod of a step, which has a controller.
func (s *served) admit(t *testing.T, number int, step step) {
	t.Helper()
	pod, err := s.world.pod(step)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(review(step.namespace, pod))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.webhook+"?timeout=30s", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatalf("step %d: %v", number, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	s.world.checkText(t, "response", text)
	got := decodeResponse(t, text)
	if silent := got.Allowed && len(got.Warnings) == 0; step.allowed && !silent {
		t.Errorf("step %d: the pod is not admitted silently: %s", number, text)
	}
	if !got.Allowed {
		s.denied++
	}
}

func (s *served) get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || len(body) == 0 {
		t.Errorf("%s: status %d with %d bytes, %v", url, resp.StatusCode, len(body), err)
	}
	return string(body)
}

// end waits for the Events, ends the process and returns its log. The log has the name of the credential, and details of libraries.
func (s *served) end(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.process.Await(ctx, func(context.Context) (bool, error) { return s.denied == 0 || len(s.api.events()) > 0, nil }); err != nil {
		t.Error(err)
	}
	s.client.CloseIdleConnections()
	if err := s.process.Terminate(); err != nil {
		t.Error(err)
	}
	if err := s.process.Wait(ctx); err != nil {
		t.Error(err)
	}
	data, err := os.ReadFile(s.logFile)
	if err != nil {
		t.Fatal(err)
	}
	levels := map[any]int{}
	for _, line := range logLines(t, string(data)) {
		levels[line["level"]]++
	}
	if levels["DEBUG"] == 0 || !strings.Contains(string(data), `"credential":"secret/shop/`) {
		t.Errorf("the log has the levels %v, want DEBUG and the name of a credential:\n%s", levels, data)
	}
	return string(data)
}

// apiServer has the namespace "shop" in mode enforce, and the secrets of a world. It records Events.
type apiServer struct {
	world *world
	url   string

	mu            sync.Mutex
	record        bytes.Buffer
	authenticated bool // whether a request had the canary self
}

func startAPIServer(t *testing.T, w *world) *apiServer {
	t.Helper()
	a := &apiServer{world: w}
	cert, err := w.ca.Certificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(a)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	server.StartTLS() // a client sends no token over plain HTTP
	a.url = server.URL
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return a
}

// events returns the bodies of all requests about Events.
func (a *apiServer) events() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return bytes.Clone(a.record.Bytes())
}

func (a *apiServer) isAuthenticated() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.authenticated
}

// ServeHTTP implements http.Handler.
func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") == "Bearer "+a.world.canaries["self"].token {
		a.mu.Lock()
		a.authenticated = true
		a.mu.Unlock()
	}
	w.Header().Set("Content-Type", "application/json")
	query := r.URL.Query()
	namespace, name, isSecret := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/"), "/secrets/")
	secret, found := a.world.secrets[namespace+"/"+name]
	switch {
	case strings.Contains(r.URL.Path, "/events"):
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		a.record.Write(body)
		a.mu.Unlock()
		_, _ = w.Write([]byte(`{"kind":"Event","apiVersion":"v1","metadata":{"name":"e","namespace":"shop"}}`))
	case isSecret && found:
		a.write(w, http.StatusOK, corev1.Secret{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
			Type:       corev1.SecretTypeDockerConfigJson,
			Data:       map[string][]byte{corev1.DockerConfigJsonKey: []byte(a.world.text.Replace(secret))},
		})
	case query.Get("sendInitialEvents") != "": // the client lists the objects then
		a.write(w, http.StatusUnprocessableEntity, newStatus(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid))
	case query.Get("watch") != "":
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case r.URL.Path == "/api/v1/namespaces":
		shop := metav1.PartialObjectMetadata{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
			ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"pullgate.dev/mode": "enforce"}},
		}
		a.write(w, http.StatusOK, metav1.PartialObjectMetadataList{
			TypeMeta: metav1.TypeMeta{Kind: "PartialObjectMetadataList", APIVersion: "meta.k8s.io/v1"},
			ListMeta: metav1.ListMeta{ResourceVersion: "1"}, Items: []metav1.PartialObjectMetadata{shop},
		})
	default:
		a.write(w, http.StatusNotFound, newStatus(http.StatusNotFound, metav1.StatusReasonNotFound))
	}
}

func (*apiServer) write(w http.ResponseWriter, code int, object any) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(object)
}

func newStatus(code int32, reason metav1.StatusReason) metav1.Status {
	return metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Reason: reason, Code: code}
}
