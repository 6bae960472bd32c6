//go:build cluster

package live

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
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

// startCluster starts the cluster with the credentials of all scenarios, because the kubelet reads its credentials once.
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
	s.awaitFirstReport(t)
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

// awaitFirstReport lets the node pull an image and waits until it reports the image. An empty list would mean that the node
// has not reported its images.
func (s *testCluster) awaitFirstReport(t *testing.T) {
	t.Helper()
	s.create(t, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "first"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: cluster.OpenImage}}},
	})
	s.awaitImages(t, []string{cluster.OpenImage})
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

// runAll runs all scenarios in three groups. A node reports at most fifty images, so the scenarios that depend on them
// run before those whose images displace others. Archives leave images without a digest on the node, which affect the
// others' verdicts, so those scenarios run last.
func (s *testCluster) runAll(t *testing.T, all []*truth.Scenario, run func(*testing.T, *truth.Scenario)) {
	t.Helper()
	group := func(name string, chosen []*truth.Scenario) {
		t.Run(name, func(t *testing.T) {
			for _, scenario := range chosen {
				t.Run(scenario.Name, func(t *testing.T) {
					t.Parallel()
					run(t, scenario)
				})
			}
		})
	}
	loaded, rest := partition(all, (*truth.Scenario).LoadsImages)
	cached, others := partition(rest, (*truth.Scenario).DependsOnNodeImages)
	group("cached", cached)
	group("scenarios", others)
	s.load(t, loaded)
	group("loaded", loaded)
}

// load imports images into the node and waits until the node reports them, and not the images of earlier groups.
func (s *testCluster) load(t *testing.T, all []*truth.Scenario) {
	t.Helper()
	if len(all) == 0 {
		return
	}
	s.removeUnnamedImages(t)
	var names []string
	for _, scenario := range all {
		names = append(names, scenario.Node.Images...)
	}
	s.importImages(t, names)
	s.awaitImages(t, names)
}

// removeUnnamedImages removes the images whose names the scenarios have removed. containerd keeps them by their ID.
func (s *testCluster) removeUnnamedImages(t *testing.T) {
	t.Helper()
	named := map[string]bool{} // by digest
	var unnamed [][2]string
	for line := range strings.Lines(s.mustOutput(t, "ctr", "--namespace=k8s.io", "images", "list")) {
		fields := strings.Fields(line) // the name, the type and the digest
		switch {
		case len(fields) < 3:
		case strings.HasPrefix(fields[0], "sha256:"):
			unnamed = append(unnamed, [2]string{fields[0], fields[2]})
		default:
			named[fields[2]] = true
		}
	}
	for _, image := range unnamed {
		if !named[image[1]] {
			s.mustOutput(t, "ctr", "--namespace=k8s.io", "images", "remove", image[0])
		}
	}
}

func (s *testCluster) importImages(t *testing.T, names []string) {
	t.Helper()
	dir := t.TempDir()
	for i, name := range names {
		file := filepath.Join(dir, fmt.Sprintf("image-%d.tar", i))
		writeArchive(t, file, name, s.program)
		s.mustOutput(t, "ctr", "--namespace=k8s.io", "images", "import", file)
	}
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
