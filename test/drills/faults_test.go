//go:build cluster

package drills

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// hold is how long a fault lasts: longer than the cache keeps a tag, a pull secret or a closed circuit.
const hold = 20 * time.Second

// sleep lets a fault last. Nothing waits for it, so that it synchronises nothing.
func sleep(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// replicas selects processes of Pullgate.
type replicas string

const (
	one replicas = "-o" // the oldest
	all replicas = ""
)

// signal sends a signal to processes of Pullgate.
func (e *environment) signal(t *testing.T, signal string, r replicas) {
	t.Helper()
	args := []string{"-" + signal, "-x", "pullgate"}
	if r != all {
		args = append(args, string(r))
	}
	e.run(t, "pkill", args...)
}

// restartDeployment replaces all replicas.
func (e *environment) restartDeployment(t *testing.T) {
	t.Helper()
	patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"restarted":%q}}}}}`, time.Now().Format(time.RFC3339Nano))
	e.patchDeployment(t, patch)
	e.awaitRollout(t)
}

func (e *environment) patchDeployment(t *testing.T, patch string) {
	t.Helper()
	_, err := e.client.AppsV1().Deployments(systemNamespace).Patch(
		t.Context(), configuration, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func (e *environment) scale(t *testing.T, replicas int) {
	t.Helper()
	e.patchDeployment(t, fmt.Sprintf(`{"spec":{"replicas":%d}}`, replicas))
}

// setWebhook sets a field of the webhook for pods.
func (e *environment) setWebhook(t *testing.T, path string, value any) {
	t.Helper()
	patch, err := json.Marshal([]map[string]any{{"op": "replace", "path": "/webhooks/0" + path, "value": value}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Patch(
		t.Context(), configuration, types.JSONPatchType, patch, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// dropPackets drops the packets that the iptables arguments select.
func (e *environment) dropPackets(t *testing.T, selector ...string) {
	t.Helper()
	rule := func(command string) []string { return append(append([]string{command}, selector...), "-j", "DROP") }
	e.run(t, "iptables", rule("-I")...)
	sleep(t, hold)
	e.run(t, "iptables", rule("-D")...)
}

// pulse stops and continues a program of the cluster, so that it works half of the time.
func (e *environment) pulse(t *testing.T, program string) {
	t.Helper()
	const half = 250 * time.Millisecond
	for range hold / (2 * half) {
		e.run(t, "pkill", "-STOP", "-x", program)
		sleep(t, half)
		e.run(t, "pkill", "-CONT", "-x", program)
		sleep(t, half)
	}
}

// toxics is the proxy between Pullgate and the registry.
type toxics struct {
	http *http.Client
}

// The proxy is toxiproxy. The registry itself listens on another port of the same address.
const (
	toxicsAPI    = "127.0.0.1:8474"
	registryPort = "8443"
)

// startToxics starts the proxy at the registry's name.
func (e *environment) startToxics(t *testing.T) {
	t.Helper()
	cmd := e.cluster.Command(context.WithoutCancel(t.Context()), filepath.Join(programs(), "toxiproxy"))
	if err := e.cluster.Start(cmd); err != nil {
		t.Fatal(err)
	}
	go func() { _ = cmd.Wait() }() // it ends with the cluster
	e.toxics = &toxics{http: &http.Client{Timeout: timeout, Transport: &http.Transport{DialContext: e.cluster.Dial}}}
	eventually(t, "the proxy", func(context.Context) error {
		return e.toxics.call(http.MethodPost, "/proxies", map[string]any{
			"name": "registry", "listen": net.JoinHostPort(registryAddress(e), "443"), "upstream": e.registry.Addr(), "enabled": true,
		})
	})
}

// call sends a request to the proxy's API.
func (x *toxics) call(method, path string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, "http://"+toxicsAPI+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	response, err := x.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	return err
}

// toxic applies a toxic of the proxy to the responses of the registry.
func (e *environment) toxic(t *testing.T, kind string, toxicity float64, attributes map[string]int) {
	t.Helper()
	if err := e.toxics.call(http.MethodPost, "/proxies/registry/toxics", map[string]any{
		"name": kind, "type": kind, "stream": "downstream", "toxicity": toxicity, "attributes": attributes,
	}); err != nil {
		t.Fatal(err)
	}
	sleep(t, hold)
	if err := e.toxics.call(http.MethodDelete, "/proxies/registry/toxics/"+kind, nil); err != nil {
		t.Fatal(err)
	}
}

// reachRegistry opens or closes the registry's port.
func (e *environment) reachRegistry(t *testing.T, open bool) {
	t.Helper()
	if err := e.toxics.call(http.MethodPost, "/proxies/registry", map[string]any{"enabled": open}); err != nil {
		t.Fatal(err)
	}
}

// foreignCA returns the base64 form of a CA that has not signed Pullgate's certificate.
func (e *environment) foreignCA() string {
	return base64.StdEncoding.EncodeToString(e.registry.CA().PEM())
}
