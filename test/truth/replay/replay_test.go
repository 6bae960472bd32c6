package replay

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
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/engine"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/podspec"
)

const (
	scenarios = "../scenarios"
	namespace = "truth"
)

func TestEveryScenarioAgreesWithTheKubelet(t *testing.T) {
	t.Parallel()
	all, err := truth.Load(os.DirFS(scenarios))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			if s.Kubelet == nil {
				t.Fatal(`the scenario has no recorded outcome: run "make truth"`)
			}
			r := newReplay(t, s)
			got := r.check(t)
			if problem := s.Problem(*s.Kubelet, got); problem != "" {
				t.Errorf("%s\nrequests:\n%s", problem, r.world.Requests())
			}
		})
	}
}

// replay is a scenario with an engine that is configured for it.
type replay struct {
	world   *truth.Fixture
	engine  *engine.Engine
	timeout config.Timeouts
}

func newReplay(t *testing.T, s *truth.Scenario) *replay {
	t.Helper()
	site := truth.NewLocal(s)
	t.Cleanup(site.Close)
	world, err := truth.Build(s, site, []byte("a program that is never run"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	c := configuration(t, world)
	client := fake.NewClientset(objects(t, world)...)
	source, err := secrets.NewSource(secrets.Options{Client: client.CoreV1()})
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := engine.ReadCluster(t.Context(), client.CoreV1(), c.Nodes, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(c, engine.Options{
		Credentials: source,
		Cluster:     cluster,
		Environ:     []string{"PATH=" + os.Getenv("PATH")}, // for the plugins; no proxy
		DialContext: site.DialContext,
		RootCAs:     site.Roots(world),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	world.Reset()
	return &replay{world: world, engine: e, timeout: c.Timeouts}
}

// configuration writes the files of the node, and returns the configuration that names them.
func configuration(t *testing.T, world *truth.Fixture) config.Configuration {
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

// objects returns the objects that were in the cluster.
func objects(t *testing.T, world *truth.Fixture) []runtime.Object {
	t.Helper()
	node, err := world.Node()
	if err != nil {
		t.Fatal(err)
	}
	others, err := world.OtherNodes()
	if err != nil {
		t.Fatal(err)
	}
	all := []runtime.Object{node, world.Account(namespace)}
	if local := world.LocalRegistry(); local != nil {
		all = append(all, local)
	}
	for _, other := range others {
		all = append(all, other)
	}
	for _, secret := range world.Secrets(namespace) {
		all = append(all, secret)
	}
	return all
}

// check checks the scenario's object as the API server would send it, or the update of its pod.
func (r *replay) check(t *testing.T) truth.Predicted {
	t.Helper()
	raw, err := r.world.Object(namespace)
	if err != nil {
		t.Fatal(err)
	}
	object := decode(t, raw).BeforeAdmission()
	if r.world.Scenario.Update != nil {
		object = r.updated(t)
	}
	if object.Mirror {
		return truth.Predict(nil)
	}
	r.checkEarlier(t)
	return truth.Predict(r.run(t, object))
}

// run checks one object.
func (r *replay) run(t *testing.T, object podspec.Object) []imagepull.Finding {
	t.Helper()
	object.Pod.Namespace = namespace
	ctx, cancel := context.WithTimeout(t.Context(), r.timeout.Admission)
	defer cancel()
	return r.engine.Check(ctx, object.Pod, object.Spec)
}

// checkEarlier checks the earlier pods, and then closes accounts.
func (r *replay) checkEarlier(t *testing.T) {
	t.Helper()
	pods, err := r.world.Earlier(namespace)
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		r.world.Reset()
		r.run(t, decode(t, pod).BeforeAdmission())
	}
	r.world.CloseAccounts()
	r.world.Reset()
}

// updated returns the images that the scenario's update changes.
func (r *replay) updated(t *testing.T) podspec.Object {
	t.Helper()
	pod, err := r.world.Pod(namespace)
	if err != nil {
		t.Fatal(err)
	}
	// The API server copied them from the service account when the pod was created.
	if pod.Spec.ImagePullSecrets == nil {
		pod.Spec.ImagePullSecrets = r.world.Account(namespace).ImagePullSecrets
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
