//go:build linux

package flood

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/pullgate/pullgate/test/process"
)

const (
	// tenants attack at the same time, each from its namespace and with a registry of its own.
	tenants = 50
	// memoryBound is the bound of the resident memory, memoryLimit the GOMEMLIMIT of the process.
	memoryBound = 128 << 20
	memoryLimit = "88MiB"
	// budget is the timeout that an API server gives by default.
	budget = 10 * time.Second
	victim = "victim"
	// maxImages is the bound of a pod. A larger pod causes no request, so that the short form need not make it smaller.
	maxImages = 1000
)

// attack is the behaviour of every tenant until the time ends.
type attack struct {
	// kind selects the behaviour of the registries; see registries.ServeHTTP.
	kind string
	// containers is the number of containers of a pod, each with a reference of its own.
	containers int
	// connections are opened to the webhook, and send a part of a request only.
	connections int
}

func TestFlood(t *testing.T) {
	length := 500 * time.Millisecond
	long := os.Getenv("FLOOD") != ""
	if long {
		length = 20 * time.Second
	}
	w := start(t)
	for _, test := range []struct {
		name string
		attack
	}{
		{"an index of 1.4 million entries", attack{kind: "empty", containers: 8}},
		{"indexes of 1,000 entries", attack{kind: "entries", containers: 8}},
		{"an index with a string of 4 MiB", attack{kind: "text", containers: 8}},
		{"bodies of 1 GiB", attack{kind: "giant", containers: 8}},
		{"slow bodies", attack{kind: "slow", containers: 8}},
		{"errors of 1 GiB", attack{kind: "error", containers: 8}},
		{"tokens of 1 GiB", attack{kind: "token", containers: 8}},
		{"compressed bodies of 64 MiB", attack{kind: "bomb", containers: 8}},
		{"headers of 4 MiB", attack{kind: "header", containers: 8}},
		{"distinct references", attack{kind: "good", containers: 60}},
		{"pods of 10,000 containers", attack{kind: "good", containers: 10_000}},
		{"2,000 connections", attack{kind: "good", containers: 1, connections: 2000}},
	} {
		if !long && test.containers <= maxImages {
			test.containers = min(test.containers, 2)
		}
		t.Run(test.name, func(t *testing.T) {
			w.run(t, test.attack, length, long)
		})
	}
}

// webhook is a running "pullgate serve".
type webhook struct {
	*process.Process
	registries *registries
	address    string
	client     *http.Client
	// next numbers the references, so that no two are the same.
	next atomic.Int64
}

func start(t *testing.T) *webhook {
	t.Helper()
	dir := t.TempDir()
	w := &webhook{registries: startRegistries(t, tenants+1)}
	binary := filepath.Join(dir, "pullgate")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", binary, "../../cmd/pullgate")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building pullgate: %v\n%s", err, out)
	}
	namespaces, hosts := []string{victim}, []string{}
	for i := range tenants {
		namespaces = append(namespaces, tenant(i))
	}
	for i := range tenants + 1 {
		hosts = append(hosts, strconv.Quote(w.registries.host(i)))
	}
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certificate, key, err := w.registries.ca.CertificatePEM()
	if err != nil {
		t.Fatalf("CertificatePEM: %v", err)
	}
	write("tls.crt", certificate)
	write("tls.key", key)
	config := write("config.yaml", []byte("apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\n"+
		"timeouts: {connect: 2s}\negress:\n  allow: ["+strings.Join(hosts, ", ")+"]\n"))
	ports, err := process.FreePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	w.address = fmt.Sprintf("127.0.0.1:%d", ports[0])
	health := fmt.Sprintf("127.0.0.1:%d", ports[1])
	cmd := exec.Command(binary, "serve", "--config="+config, "--kubeconfig="+startAPIServer(t, namespaces), "--cert-dir="+dir,
		fmt.Sprintf("--webhook-port=%d", ports[0]), "--health-probe-bind-address="+health, "--metrics-bind-address=0")
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+write("ca.crt", w.registries.ca.PEM()), "GOMEMLIMIT="+memoryLimit)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if w.Process, err = process.Start(cmd, process.Options{OwnGroup: true, Output: log}); err != nil {
		t.Fatalf("starting pullgate: %v", err)
	}
	t.Cleanup(func() {
		w.Stop(time.Second)
		if t.Failed() {
			output := w.Output()
			t.Logf("the end of pullgate's log:\n%s", output[max(0, len(output)-4000):])
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := w.AwaitReady(ctx, "http://"+health+"/readyz"); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: w.registries.ca.Pool(), MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: tenants,
	}
	t.Cleanup(transport.CloseIdleConnections)
	w.client = &http.Client{Transport: transport, Timeout: 2 * budget}
	return w
}

func tenant(i int) string { return fmt.Sprintf("tenant-%d", i) }

// run attacks for a time, and checks the memory of the webhook and the verdicts of the victim. No verdict may be wrong. Verdicts that
// are not certain fail the strict form only: beside other tests, the machine itself may be too slow for the registry's timeouts.
func (w *webhook) run(t *testing.T, a attack, length time.Duration, strict bool) {
	// From now on, the kernel records the greatest resident memory anew (proc(5), clear_refs).
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", w.Pid()), []byte("5"), 0); err != nil {
		t.Fatalf("resetting the peak of the memory: %v", err)
	}
	end := time.Now().Add(length)
	var (
		group             sync.WaitGroup
		reviews, admitted atomic.Int64
	)
	for i := range tenants {
		group.Go(func() {
			for conn := range a.connections / tenants {
				if conn := w.dial(conn); conn != nil {
					defer conn.Close()
				}
			}
			for first := true; first || time.Now().Before(end); first = false {
				resp, err := w.review(t.Context(), tenant(i), w.pod(i+1, a.kind, a.containers))
				if reviews.Add(1); err == nil && resp.Allowed {
					admitted.Add(1)
				}
			}
		})
	}
	v := w.watchVictim(t, end)
	group.Wait()
	peak := w.peak(t)
	t.Logf("resident memory: %d MiB at most; %d reviews, %d admitted; the victim: %d of %d reviews answered rightly, the slowest after %v",
		peak>>20, reviews.Load(), admitted.Load(), v.right, v.total, v.slowest.Round(time.Millisecond))
	if peak > memoryBound {
		t.Errorf("the resident memory was %d MiB, want at most %d MiB", peak>>20, memoryBound>>20)
	}
	if v.wrong > 0 || strict && v.right != v.total {
		t.Errorf("the victim got %d right and %d wrong answers of %d", v.right, v.wrong, v.total)
	}
}

// verdicts counts the verdicts of the victim.
type verdicts struct {
	right, wrong, total int
	slowest             time.Duration
}

// watchVictim creates pods in a namespace without part in the attack: in turns one with a good image and one whose tag is missing.
func (w *webhook) watchVictim(t *testing.T, end time.Time) verdicts {
	var v verdicts
	for time.Now().Before(end) || v.total < 2 {
		missing := v.total%2 == 1
		pod := w.pod(0, "good", 1)
		if missing {
			pod.Spec.Containers[0].Image += "-gone"
		}
		start := time.Now()
		resp, err := w.review(t.Context(), victim, pod)
		v.slowest = max(v.slowest, time.Since(start))
		v.total++
		switch {
		case err != nil:
			t.Logf("the victim: %v", err)
		case !resp.Allowed && !missing:
			v.wrong++
			t.Logf("the victim: the good image was denied: %s", resp.Result.Message)
		case resp.Allowed == missing || len(resp.Warnings) > 0:
			t.Logf("the victim: allowed %t, warnings %q, want a denial: %t", resp.Allowed, resp.Warnings, missing)
		default:
			v.right++
		}
	}
	return v
}

// pod returns a pod whose images are at one registry, each with another name.
func (w *webhook) pod(host int, kind string, containers int) *corev1.Pod {
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "web"}}
	for i := range containers {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name:  fmt.Sprintf("c%d", i),
			Image: fmt.Sprintf("%s/%s/image:%d", w.registries.host(host), kind, w.next.Add(1)),
		})
	}
	return pod
}

func (w *webhook) review(ctx context.Context, namespace string, pod *corev1.Pod) (*admissionv1.AdmissionResponse, error) {
	object, err := json.Marshal(pod)
	if err != nil {
		return nil, err
	}
	kind := metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}
	resource := metav1.GroupVersionResource{Version: "v1", Resource: "pods"}
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "705ab4f5-6393-11e8-b7cc-42010a800002", Kind: kind, Resource: resource, RequestKind: &kind, RequestResource: &resource,
			Namespace: namespace, Operation: admissionv1.Create, DryRun: new(bool), Object: runtime.RawExtension{Raw: object},
		},
	})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+w.address+"/validate?timeout="+budget.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(data, &review); err != nil || review.Response == nil {
		return nil, fmt.Errorf("status %s: %w", resp.Status, err)
	}
	return review.Response, nil
}

// dial opens a connection to the webhook, from another address than the reviews of the API server. Half of them begin a request
// that they do not end, the others do not begin one. It returns nil if the webhook refuses the connection: it bounds them.
func (w *webhook) dial(i int) net.Conn {
	attacker := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 99)}}
	conn, err := tls.DialWithDialer(attacker, "tcp", w.address, w.client.Transport.(*http.Transport).TLSClientConfig.Clone())
	if err != nil {
		return nil
	}
	if i%2 == 0 {
		_, _ = io.WriteString(conn, "POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 3000000\r\n\r\n{")
	}
	return conn
}

// peak returns the greatest resident memory since it was reset.
func (w *webhook) peak(t *testing.T) int {
	t.Helper()
	if err := w.Ended(); err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if match == nil {
		t.Fatal("the kernel states no peak of the memory")
	}
	kib, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
