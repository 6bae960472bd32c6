//go:build cluster

package drills

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/pullgate/pullgate/test/cluster"
	"github.com/pullgate/pullgate/test/registry"
)

const (
	systemNamespace = "pullgate-system"
	configuration   = "pullgate" // the name of the Deployment and of the webhook configuration
	registryName    = "drill.example"
	// timeout bounds each wait.
	timeout      = 3 * time.Minute
	pollInterval = 100 * time.Millisecond
)

// environment is the cluster with Pullgate, a registry of this process, and the namespaces of the load.
type environment struct {
	cluster    *cluster.Cluster
	config     *rest.Config
	http       *http.Client
	client     kubernetes.Interface
	registry   *registry.Server
	toxics     *toxics
	namespaces []string
	asks       []ask
	// podLogs is the folder with the logs of pods, a small file system of its own.
	podLogs string
}

// programs returns the folder of the cluster's programs. The Makefile sets it.
func programs() string { return os.Getenv("CLUSTER_PROGRAMS") }

// newEnvironment starts a cluster, and installs Pullgate as its guide describes.
func newEnvironment(t *testing.T) *environment {
	t.Helper()
	images := os.Getenv("IMAGES")
	if programs() == "" || images == "" {
		t.Fatal(`CLUSTER_PROGRAMS and IMAGES are not set: run "make drills"`)
	}
	dir := t.TempDir()
	c, err := cluster.Up(t.Context(), cluster.Options{Dir: dir, Programs: programs(), Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Down(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	e := &environment{cluster: c, podLogs: filepath.Join(dir, "pods")}
	e.run(t, "mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", e.podLogs)
	if e.config, err = c.Config(); err != nil {
		t.Fatal(err)
	}
	e.config.QPS = -1
	// One pool of connections for all clients of the load.
	if e.http, err = rest.HTTPClientFor(e.config); err != nil {
		t.Fatal(err)
	}
	if e.client, err = kubernetes.NewForConfigAndClient(e.config, e.http); err != nil {
		t.Fatal(err)
	}
	password := e.startRegistry(t)
	e.run(t, "ctr", "--namespace", "k8s.io", "images", "import", filepath.Join(images, "pullgate.tar"))
	e.install(t)
	for i := range 3 {
		e.createNamespace(t, fmt.Sprintf("team-%d", i+1), password)
	}
	e.awaitHealth(t)
	return e
}

// startRegistry starts the registry and pushes the images of the load. It returns the password of its account.
func (e *environment) startRegistry(t *testing.T) string {
	t.Helper()
	password := rand.Text()
	server, err := e.cluster.Serve(net.JoinHostPort(registryName, registryPort), registry.Config{
		Auth: registry.AuthBearer, Public: []string{"shop/*"}, ChallengePublic: true,
		Accounts: []registry.Account{{Username: "reader", Password: password, Repositories: []string{"*"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	for _, image := range []string{"shop/web:1.27", "vault/app:2.0"} {
		if _, err := server.PushImage(image); err != nil {
			t.Fatal(err)
		}
	}
	e.registry = server
	e.startToxics(t)
	e.asks = []ask{
		{image: registryName + "/shop/web:1.27"},
		{image: registryName + "/shop/web:1.72", denied: true},
		{image: registryName + "/vault/app:2.0", secret: "good"},
		{image: registryName + "/vault/app:2.0", denied: true},
		{image: registryName + "/vault/app:0.2", secret: "good", denied: true},
	}
	return password
}

// overlay returns the folder of the shipped manifests with the changes of the drills.
func overlay(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("overlay")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func registryAddress(e *environment) string {
	host, _, _ := net.SplitHostPort(e.registry.Addr()) // the address of a listener has a port
	return host
}

func (e *environment) install(t *testing.T) {
	t.Helper()
	e.run(t, "kubectl", "apply", "-k", overlay(t))
	hosts := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "pullgate-hosts"},
		Data: map[string]string{
			"hosts.toml": fmt.Sprintf("server = %q\nca = %q\n", "https://"+registryName, "/etc/containerd/certs.d/"+registryName+"/ca.crt"),
			"ca.crt":     string(e.registry.CA().PEM()),
		},
	}
	if _, err := e.client.CoreV1().ConfigMaps(systemNamespace).Create(t.Context(), hosts, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	e.awaitRollout(t)
}

// createNamespace creates a namespace in mode enforce, with a pull secret.
func (e *environment) createNamespace(t *testing.T, name, password string) {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pullgate.dev/mode": "enforce"}}}
	if _, err := e.client.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]any{"auths": map[string]any{
		registryName: map[string]string{"username": "reader", "password": password},
	}})
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "good"}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: data},
	}
	if _, err := e.client.CoreV1().Secrets(name).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a service account in "+name, func(ctx context.Context) error {
		_, err := e.client.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	e.namespaces = append(e.namespaces, name)
}

// awaitRollout waits until the Deployment runs its current version only.
func (e *environment) awaitRollout(t *testing.T) {
	t.Helper()
	eventually(t, "the rollout", func(ctx context.Context) error {
		d, err := e.client.AppsV1().Deployments(systemNamespace).Get(ctx, configuration, metav1.GetOptions{})
		if err != nil {
			return err
		}
		pods, err := e.client.CoreV1().Pods(systemNamespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		want := *d.Spec.Replicas
		if d.Status.ObservedGeneration < d.Generation || d.Status.UpdatedReplicas != want || d.Status.AvailableReplicas != want ||
			len(pods.Items) != int(want) {
			return fmt.Errorf("%d pods, status %+v", len(pods.Items), d.Status)
		}
		return nil
	})
}

// awaitHealth waits until every ask gets the right answer in every namespace.
func (e *environment) awaitHealth(t *testing.T) {
	t.Helper()
	eventually(t, "right answers", func(ctx context.Context) error {
		for _, namespace := range e.namespaces {
			for _, a := range e.asks {
				if got, text := e.create(ctx, namespace, a); got != right {
					return fmt.Errorf("%s: %s", got, text)
				}
			}
		}
		return nil
	})
}

// eventually waits until the condition returns no error.
func eventually(t *testing.T, what string, condition func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), pollInterval, timeout, true, func(ctx context.Context) (bool, error) {
		last = condition(ctx)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("waiting for %s: %v; last: %v", what, err, last)
	}
}

// run runs a command inside the cluster, and ends the test if it fails. It returns the command's output.
func (e *environment) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := e.try(t, name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

func (e *environment) try(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := e.cluster.Command(context.WithoutCancel(t.Context()), name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := e.cluster.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	return out.String(), err
}
