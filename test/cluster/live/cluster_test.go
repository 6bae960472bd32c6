//go:build cluster

package live

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/pullgate/pullgate/test/cluster"
	"github.com/pullgate/pullgate/test/registry"
)

// stepTimeout exceeds the time that a slow machine needs for one step.
const stepTimeout = 2 * time.Minute

// programs returns the folder of the programs. The Makefile sets it.
func programs() string { return os.Getenv("CLUSTER_PROGRAMS") }

func options(t *testing.T) cluster.Options {
	t.Helper()
	if programs() == "" {
		t.Fatal(`CLUSTER_PROGRAMS is not set: run "make test-cluster"`)
	}
	return cluster.Options{Dir: t.TempDir(), Programs: programs(), Progress: t.Output()}
}

// TestCluster runs its cases in one cluster, because starting a cluster takes longer than the cases.
func TestCluster(t *testing.T) {
	before := machineState(t)
	c, err := cluster.Up(t.Context(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("pods", func(t *testing.T) { testPods(t, c) })
	t.Run("a registry of the test", func(t *testing.T) { testServe(t, c) })
	t.Run("a command inside", func(t *testing.T) { testCommand(t, c) })
	t.Run("no route to the outside", func(t *testing.T) { testNoOutsideRoute(t, c) })
	if err := c.Down(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	sameAsBefore(t, before)
}

func testPods(t *testing.T, c *cluster.Cluster) {
	client := clientOf(t, c)
	createSecret(t, c, client)
	tests := map[string]struct {
		image, secret string
		// message is a part of the kubelet's message. It is empty for a pod that runs.
		message string
	}{
		"good":               {image: cluster.OpenImage},
		"short-name":         {image: cluster.MirroredImage},
		"missing-tag":        {image: cluster.OpenRegistry + "/shop/web:1.72", message: "not found"},
		"private":            {image: cluster.PrivateImage, secret: "private"},
		"without-the-secret": {image: cluster.PrivateImage, message: "authorization failed"},
		"no-such-name":       {image: "missing.example/shop/web:1.27", message: "no such host"},
		"name-server-fails":  {image: "shop.servfail.invalid/web:1.27", message: "server misbehaving"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			createPod(t, client, name, tt.image, tt.secret)
			if tt.message == "" {
				awaitPod(t, client, name, "to run", isRunning)
				return
			}
			pod := awaitPod(t, client, name, "to back off", isBackingOff)
			if got := waiting(pod).Message; !strings.Contains(got, tt.message) {
				t.Errorf("the kubelet's message is %q, want %q in it", got, tt.message)
			}
		})
	}
}

// testServe checks that the node pulls from a registry of this process.
func testServe(t *testing.T, c *cluster.Cluster) {
	server, err := c.Serve("team.example:5000", registry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	program, err := os.ReadFile(c.Program())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.PushImage("tools/app:1", registry.WithProgram(program)); err != nil {
		t.Fatal(err)
	}
	client := clientOf(t, c)
	createPod(t, client, "served", "team.example:5000/tools/app:1", "")
	awaitPod(t, client, "served", "to run", isRunning)
	if len(server.Requests()) == 0 {
		t.Error("the node sent no request to the registry")
	}
}

func testCommand(t *testing.T, c *cluster.Cluster) {
	var out strings.Builder
	cmd := c.Command(t.Context(), "kubectl", "get", "nodes", "--output=name")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := c.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || strings.TrimSpace(out.String()) != "node/node" {
		t.Errorf("got %q and %v, want the node", out.String(), err)
	}
}

// testNoOutsideRoute checks that the node's bridge has no port.
func testNoOutsideRoute(t *testing.T, c *cluster.Cluster) {
	var out strings.Builder
	cmd := c.Command(t.Context(), "ip", "-oneline", "link", "show", "type", "bridge_slave")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := c.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "master node0") {
			t.Errorf("the node's bridge has a port: %s", line)
		}
	}
}

func clientOf(t *testing.T, c *cluster.Cluster) kubernetes.Interface {
	t.Helper()
	config, err := c.Config()
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func createSecret(t *testing.T, c *cluster.Cluster, client kubernetes.Interface) {
	t.Helper()
	data, err := os.ReadFile(filepath.Clean(c.PrivateConfig()))
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "private"},
		Type:       corev1.SecretTypeDockerConfigJson,
		Data:       map[string][]byte{corev1.DockerConfigJsonKey: data},
	}
	if _, err := client.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
