package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/pullgate/pullgate/test/truth"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/podspec"
	"github.com/pullgate/pullgate/webhook/preflight"
)

const scenarios = "../../test/truth/scenarios"

// Every scenario that was played to a real kubelet is played to Pullgate's engine again, without a cluster: what the one did
// is what the other has to foretell.
func TestReplay(t *testing.T) {
	t.Parallel()
	all, err := truth.Load(os.DirFS(scenarios))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			if s.Kubelet == nil {
				t.Fatal(`no kubelet has played it yet: run "make truth"`)
			}
			r := newReplay(t, s)
			got := r.foretell(t)
			if problem := s.Problem(*s.Kubelet, got); problem != "" {
				t.Errorf("%s\nasked:\n%s", problem, r.world.Requests())
			}
		})
	}
}

const replayNamespace = "truth"

// replay is a scenario with Pullgate's engine in front of it.
type replay struct {
	world   *truth.Fixture
	checker *preflight.Checker
	timeout config.Timeouts
}

func newReplay(t *testing.T, s *truth.Scenario) *replay {
	t.Helper()
	site := truth.NewLocal(s)
	t.Cleanup(site.Close)
	world, err := truth.Build(s, site, []byte("a program that nobody runs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	c := replayConfiguration(t, world)
	client := fake.NewClientset(replayObjects(t, world)...)
	secrets, err := credentials.NewSource(credentials.Options{Client: client.CoreV1()})
	if err != nil {
		t.Fatal(err)
	}
	held, err := onNodes(secrets, c.Nodes, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(held.Providers.Close)
	options, err := registryOptions(c)
	if err != nil {
		t.Fatal(err)
	}
	options.Proxy = nil // whatever this machine's environment says
	options.DialContext = site.DialContext
	options.RootCAs = site.Roots(world)
	if c.Nodes.Watch {
		options.LocalRegistry = readLocalRegistry(t.Context(), client.CoreV1(), slog.New(slog.DiscardHandler))
	}
	checker, err := newChecker(c, held, replayNodes(t, client.CoreV1().Nodes(), c.Nodes), options)
	if err != nil {
		t.Fatal(err)
	}
	world.Reset()
	return &replay{world: world, checker: checker, timeout: c.Timeouts}
}

// replayConfiguration gives Pullgate the files that the node has.
func replayConfiguration(t *testing.T, world *truth.Fixture) config.Configuration {
	t.Helper()
	dir := t.TempDir()
	profile := truth.Profile{HostsDir: filepath.Join(dir, "certs.d")}
	if err := os.Mkdir(profile.HostsDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := world.WriteHosts(profile.HostsDir); err != nil {
		t.Fatal(err)
	}
	var err error
	if profile.ProviderConfig, profile.ProviderBin, err = truth.WriteProviders(dir, []*truth.Scenario{world.Scenario}); err != nil {
		t.Fatal(err)
	}
	if accounts := world.Scenario.Node.Config; accounts != nil {
		profile.DockerConfig = filepath.Join(dir, "config.json")
		if err := os.WriteFile(profile.DockerConfig, truth.DockerConfig(accounts), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data, err := profile.Config(world.Scenario)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// replayObjects are what the API server of the cluster held.
func replayObjects(t *testing.T, world *truth.Fixture) []runtime.Object {
	t.Helper()
	node, err := world.Node()
	if err != nil {
		t.Fatal(err)
	}
	others, err := world.OtherNodes()
	if err != nil {
		t.Fatal(err)
	}
	objects := []runtime.Object{node, world.Account(replayNamespace)}
	if local := world.LocalRegistry(); local != nil {
		objects = append(objects, local)
	}
	for _, other := range others {
		objects = append(objects, other)
	}
	for _, secret := range world.Secrets(replayNamespace) {
		objects = append(objects, secret)
	}
	return objects
}

func replayNodes(t *testing.T, client nodes.Client, n config.Nodes) preflight.Nodes {
	t.Helper()
	declared, err := parsePlatforms(n.Platforms)
	if err != nil {
		t.Fatal(err)
	}
	if !n.Watch {
		return nodes.Declared(declared)
	}
	snapshot, err := nodes.List(t.Context(), client, declared)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

// foretell asks about the pod as the API server would have it, or about its update.
func (r *replay) foretell(t *testing.T) truth.Predicted {
	t.Helper()
	object, err := r.world.Object(replayNamespace)
	if err != nil {
		t.Fatal(err)
	}
	asked := decode(t, object).BeforeAdmission()
	if r.world.Scenario.Update != nil {
		asked = r.updated(t)
	}
	asked.Pod.Namespace = replayNamespace
	if asked.Mirror {
		return truth.Predict(nil)
	}
	ctx, cancel := context.WithTimeout(t.Context(), r.timeout.Admission.Duration)
	defer cancel()
	return truth.Predict(r.checker.Check(ctx, asked.Pod, asked.Spec))
}

func (r *replay) updated(t *testing.T) podspec.Object {
	t.Helper()
	pod, err := r.world.Pod(replayNamespace)
	if err != nil {
		t.Fatal(err)
	}
	// The API server has copied them on creation.
	if pod.Spec.ImagePullSecrets == nil {
		pod.Spec.ImagePullSecrets = r.world.Account(replayNamespace).ImagePullSecrets
	}
	updated, err := r.world.Updated(pod)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, updated).ChangedSince(decode(t, pod))
}

func decode(t *testing.T, object runtime.Object) podspec.Object {
	t.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := podspec.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}
