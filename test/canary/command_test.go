package canary

import (
	"errors"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// commandVectors returns the vectors for the command. It has the engine of the webhook, so that one kind of each rule is sufficient.
func commandVectors() map[string]vector {
	all := map[string]vector{
		"realm: another domain":     realm("https://evil.example/token"),
		"realm: another port":       realm("https://registry.example:8443/token"),
		"realm: an address":         realm("https://127.0.0.1/token"),
		"realm: localhost":          realm("https://localhost/token"),
		"redirect: of the password": {registry: site{challenge: []string{basic}, redirect: map[string]string{"HEAD": "https://evil.example{path}"}}},
		"redirect: to loopback":     {registry: site{redirect: map[string]string{"HEAD": "https://127.0.0.1{path}"}}},
		"redirect: of the login":    {registry: site{redirect: map[string]string{"token": "https://evil.example{path}"}}},
		"body: the request":         {registry: site{status: http.StatusForbidden}},
	}
	for _, table := range []map[string]vector{mirrorVectors(), textVectors()} {
		maps.Copy(all, table)
	}
	maps.DeleteFunc(all, func(_ string, v vector) bool { return v.steps != nil || v.serveOnly }) // the command has one pull secret
	return all
}

// TestNoCanaryLeavesTheCommand runs "pullgate check". Its network is a proxy.
func TestNoCanaryLeavesTheCommand(t *testing.T) {
	t.Parallel()
	binary := build(t)
	for name, v := range commandVectors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, v, true)
			args := []string{"--offline", w.text.Replace(w.image), w.control, w.text.Replace(w.image) + "2"}
			if secret := w.text.Replace(w.secrets["shop/regcred"]); secret != "" {
				args = append(args, "--pull-secret", w.write(t, "regcred.json", secret))
			}
			output := w.run(t, binary, nil, args...)
			if !strings.Contains(output, "Pullable") {
				t.Errorf("no image is pullable:\n%s", output)
			}
			w.settle(t)
			w.check(t)
		})
	}
	for name, test := range errorTexts() {
		t.Run("error text: "+name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, vector{files: map[string]string{"file": test.file}, config: test.config}, true)
			args := []string{"registry.example/shop/web:1"}
			for _, arg := range test.args {
				args = append(args, w.text.Replace(arg))
			}
			if test.args == nil {
				args = append(args, "--offline")
			}
			if output := w.run(t, binary, test.environ, args...); !strings.Contains(output, test.want) {
				t.Errorf("want %q in the output:\n%s", test.want, output)
			}
		})
	}
}

// errorText is an input of the command that it cannot use, with the start of its message.
type errorText struct {
	// file is the content of {dir}/file.
	file, config string
	environ      []string
	args         []string
	want         string
}

func errorTexts() map[string]errorText {
	const cluster = `{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
clusters: [{name: c, cluster: {server: "SERVER"}}], users: [{name: u, user: {username: "{alice.user}", password: "{alice.password}"}}]}`
	return map[string]errorText{
		"a kubeconfig with a broken URL": {
			file: strings.Replace(cluster, "SERVER", "https://{alice.user}:{alice.password}@cluster.example:port", 1),
			args: []string{"--kubeconfig", "{dir}/file", "--service-account", "default"}, want: "error: ",
		},
		"a kubeconfig with a password in its URL": {
			file: strings.Replace(cluster, "SERVER", "https://{alice.user}:{alice.escaped}@127.0.0.1:1", 1),
			args: []string{"--kubeconfig", "{dir}/file", "--service-account", "default"}, want: "service account",
		},
		"a kubeconfig that is not YAML": {
			file: `{"users": [{"user": {"token": {alice.token}`,
			args: []string{"--kubeconfig", "{dir}/file", "--service-account", "default"}, want: "error: ",
		},
		"a kubeconfig with a password of the wrong type": {
			file: strings.Replace(cluster, `"{alice.password}"`, `["{alice.password}"]`, 1),
			args: []string{"--kubeconfig", "{dir}/file", "--service-account", "default"}, want: "error: ",
		},
		"a proxy with a broken port":     {environ: []string{"HTTPS_PROXY=http://{alice.user}:{alice.escaped}@proxy.example:port"}, want: "HTTPS_PROXY: not a proxy"},
		"a proxy with a broken escape":   {environ: []string{"HTTPS_PROXY=http://{alice.user}:{alice.password}@proxy.example:3128"}, want: "HTTPS_PROXY: not a proxy"},
		"a proxy with another scheme":    {environ: []string{"HTTPS_PROXY=ftp://{alice.user}:{alice.escaped}@proxy.example:3128"}, want: "HTTPS_PROXY: not a proxy"},
		"a proxy that does not exist":    {environ: []string{"HTTPS_PROXY=http://{alice.user}:{alice.escaped}@127.0.0.1:1"}, want: "proxy cannot be reached"},
		"a pull secret that ends early":  {file: `{"auths":{"registry.example":{"auth":"{alice.auth}"`, args: []string{"--pull-secret", "{dir}/file"}, want: "error: pull secrets in "},
		"a pull secret without base64":   {file: `{"auths":{"registry.example":{"auth":"{alice.password}"}}}`, args: []string{"--pull-secret", "{dir}/file"}, want: "InvalidPullSecret"},
		"a pull secret of another type":  {file: `{"auths":{"registry.example":["{alice.user}","{alice.password}"]}}`, args: []string{"--pull-secret", "{dir}/file"}, want: "InvalidPullSecret"},
		"a Secret that is not base64":    {file: "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\ndata: {.dockerconfigjson: \"{alice.password}\"}\n", args: []string{"--pull-secret", "{dir}/file"}, want: "error: pull secrets in "},
		"a Secret that is not YAML":      {file: "apiVersion: v1\nkind: Secret\ndata: {.dockerconfigjson: {alice.password}: {alice.user}\n", args: []string{"--pull-secret", "{dir}/file"}, want: "error: pull secrets in "},
		"a rule with user information":   {config: `egress: {allow: ["{alice.user}:{alice.password}@registry.example"]}`, want: "egress.allow"},
		"a denied URL":                   {config: `egress: {deny: ["https://{alice.user}:{alice.password}@registry.example"]}`, want: "egress.deny"},
		"an insecure URL":                {config: `egress: {insecureRegistries: ["http://{alice.user}:{alice.password}@registry.example"]}`, want: "egress.insecureRegistries"},
		"a skipped URL":                  {config: `skipRegistries: ["https://{alice.user}:{alice.password}@registry.example"]`, want: "skipRegistries"},
		"a config.json that ends early":  {file: `{"auths":{"registry.example":{"auth":"{alice.auth}"`, config: "nodes: {dockerConfig: '{dir}/file'}", want: "nodes.dockerConfig"},
		"a plugin with a value as a key": {file: strings.Replace(provider, `value: "{alice.token}"`, `value: ["{alice.token}"]`, 1), config: "nodes: {credentialProvider: {config: '{dir}/file', binDir: '{dir}'}}", want: "nodes.credentialProvider"},
	}
}

// build builds the program.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "pullgate")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", binary, "../../cmd/pullgate")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building pullgate: %v\n%s", err, output)
	}
	return binary
}

// write writes a file, and returns its path.
func (w *world) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// environment returns the environment of a program whose network is a proxy, and starts the proxy.
func (w *world) environment(t *testing.T) []string {
	t.Helper()
	handler := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		site{proxy: true}.serve(w, rw, r, false)
	})
	proxy, err := startHost(w.ca, "proxy.example", false, handler, func() {})
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.hosts["the proxy of the command"] = proxy
	w.mu.Unlock()
	address := "http://" + proxy.listener.Addr().String()
	return []string{
		"HOME=" + w.dir, "PATH=" + os.Getenv("PATH"), "SSL_CERT_FILE=" + w.write(t, "ca.pem", string(w.ca.PEM())), "SSL_CERT_DIR=" + w.dir,
		"HTTP_PROXY=" + address, "HTTPS_PROXY=" + address,
	}
}

// run runs "pullgate check" in the world, and returns its output, which must not have a canary. The last value of a variable counts.
func (w *world) run(t *testing.T, binary string, environ []string, args ...string) string {
	t.Helper()
	config := w.write(t, "configuration.yaml", w.configuration())
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"check", "--config", config}, args...)...)
	cmd.Env = w.environment(t)
	for _, variable := range environ {
		cmd.Env = append(cmd.Env, w.text.Replace(variable))
	}
	output, err := cmd.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatalf("running pullgate: %v", err)
	}
	w.checkText(t, "output", output)
	return string(output)
}
