//go:build cluster

package live

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/pullgate/pullgate/test/cluster"
	"github.com/pullgate/pullgate/test/truth"
)

// stepTimeout exceeds the time that a slow machine needs for one step.
const stepTimeout = 2 * time.Minute

// testCluster is the cluster with everything that scenarios share.
type testCluster struct {
	*cluster.Cluster
	client   kubernetes.Interface
	program  []byte
	dir      string
	profile  truth.Profile
	webhooks webhooks
	names    nameLocks
}

// startCluster starts the cluster with the credentials and images of all scenarios. The kubelet reads its credentials
// once, and reports its images with a delay.
func startCluster(t *testing.T, all []*truth.Scenario) *testCluster {
	t.Helper()
	programs := os.Getenv("CLUSTER_PROGRAMS")
	if programs == "" {
		t.Fatal(`CLUSTER_PROGRAMS is not set: run "make truth"`)
	}
	s := &testCluster{dir: t.TempDir()}
	var err error
	if s.profile.ProviderConfig, s.profile.ProviderBin, err = truth.WriteProviders(s.dir, all); err != nil {
		t.Fatal(err)
	}
	s.Cluster, err = cluster.Up(t.Context(), cluster.Options{
		Dir: filepath.Join(s.dir, "cluster"), Programs: programs, Progress: t.Output(),
		CredentialProviders: cluster.Providers{Config: s.profile.ProviderConfig, BinDir: s.profile.ProviderBin},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Down(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	s.profile.HostsDir, s.profile.DockerConfig = s.HostsDir(), s.NodeConfig()
	if s.program, err = os.ReadFile(s.Program()); err != nil {
		t.Fatal(err)
	}
	s.connect(t)
	s.writeNodeConfig(t, all)
	s.load(t, all)
	return s
}

func (s *testCluster) connect(t *testing.T) {
	t.Helper()
	config, err := s.Config()
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	if s.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
}

// writeNodeConfig writes the node's credentials of all scenarios. Their registries have different names.
func (s *testCluster) writeNodeConfig(t *testing.T, all []*truth.Scenario) {
	t.Helper()
	accounts := map[string]string{}
	for _, scenario := range all {
		for host, account := range scenario.Node.Config {
			accounts[host] = account
		}
	}
	if err := os.WriteFile(s.NodeConfig(), truth.DockerConfig(accounts), 0o600); err != nil {
		t.Fatal(err)
	}
}

// load imports images into the node and waits until the node reports them.
func (s *testCluster) load(t *testing.T, all []*truth.Scenario) {
	t.Helper()
	var names []string
	for _, scenario := range all {
		names = append(names, scenario.Node.Images...)
	}
	for i, name := range names {
		file := filepath.Join(s.dir, fmt.Sprintf("image-%d.tar", i))
		writeArchive(t, file, name, s.program)
		s.mustOutput(t, "ctr", "--namespace=k8s.io", "images", "import", file)
	}
	s.awaitImages(t, names)
}

// awaitImages waits until the node reports the images, which takes up to a minute.
func (s *testCluster) awaitImages(t *testing.T, names []string) {
	t.Helper()
	missing := ""
	await(t, func(ctx context.Context) (bool, error) {
		node, err := s.client.CoreV1().Nodes().Get(ctx, truth.NodeName, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		reported := map[string]bool{}
		for _, image := range node.Status.Images {
			for _, name := range image.Names {
				reported[name] = true
			}
		}
		for _, name := range names {
			if missing = name; !reported[name] {
				return false, nil
			}
		}
		return true, nil
	}, func() string { return "the node does not report " + missing })
}

// mustOutput runs a command in the cluster's namespaces and returns its output.
func (s *testCluster) mustOutput(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := s.output(t.Context(), name, args...)
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return out
}

// await polls until the condition is true.
func await(t *testing.T, condition func(context.Context) (bool, error), describe func() string) {
	t.Helper()
	if err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, stepTimeout, true, condition); err != nil {
		t.Fatalf("%v: %s", err, describe())
	}
}
