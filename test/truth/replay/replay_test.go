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
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/test/truth"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials"
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
			got := r.check(t, r.newEngine(t, clock.RealClock{}))
			if problem := s.Problem(*s.Kubelet, got); problem != "" {
				t.Errorf("%s\nrequests:\n%s", problem, r.fixture.Requests())
			}
		})
	}
}

// replay is a scenario with everything that an engine reads of it.
type replay struct {
	fixture *truth.Fixture
	site    *truth.Local
	config  config.Configuration
	secrets credentials.Source
	cluster engine.Cluster
}

func newReplay(t *testing.T, s *truth.Scenario) *replay {
	t.Helper()
	r := &replay{site: truth.NewLocal(s)}
	t.Cleanup(r.site.Close)
	var err error
	if r.fixture, err = truth.Build(s, r.site, []byte("a program that is never run")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.fixture.Close)
	hostsDir := t.TempDir()
	if _, err := r.fixture.WriteHosts(hostsDir); err != nil {
		t.Fatal(err)
	}
	r.config = configuration(t, s, hostsDir)
	client := fake.NewClientset(objects(t, r.fixture)...)
	if r.secrets, err = secrets.NewSource(secrets.Options{Client: client.CoreV1()}); err != nil {
		t.Fatal(err)
	}
	r.cluster, err = engine.ReadCluster(t.Context(), client.CoreV1(), r.config.Nodes, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// newEngine returns an engine for the scenario alone.
func (r *replay) newEngine(t *testing.T, wall clock.Clock) *engine.Engine {
	t.Helper()
	return newEngine(t, r.config, engine.Options{
		Credentials: r.secrets, Cluster: r.cluster, DialContext: r.site.DialContext, RootCAs: r.site.Roots(r.fixture), Clock: wall,
	})
}

func newEngine(t *testing.T, c config.Configuration, o engine.Options) *engine.Engine {
	t.Helper()
	o.Environ = []string{"PATH=" + os.Getenv("PATH")} // for the plugins; no proxy
	e, err := engine.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// configuration writes the other files of the node, and returns the configuration that names all of them.
func configuration(t *testing.T, s *truth.Scenario, hostsDir string) config.Configuration {
	t.Helper()
	dir := t.TempDir()
	profile := truth.Profile{HostsDir: hostsDir}
	var err error
	if profile.ProviderConfig, profile.ProviderBin, err = truth.WriteProviders(dir, []*truth.Scenario{s}); err != nil {
		t.Fatal(err)
	}
	if accounts := s.Node.Config; accounts != nil {
		profile.DockerConfig = filepath.Join(dir, "config.json")
		if err := os.WriteFile(profile.DockerConfig, truth.DockerConfig(accounts), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data, err := profile.Config(s)
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
func objects(t *testing.T, fixture *truth.Fixture) []runtime.Object {
	t.Helper()
	node, err := fixture.Node()
	if err != nil {
		t.Fatal(err)
	}
	others, err := fixture.OtherNodes()
	if err != nil {
		t.Fatal(err)
	}
	all := []runtime.Object{node, fixture.Account(namespace)}
	if local := fixture.LocalRegistry(); local != nil {
		all = append(all, local)
	}
	for _, other := range others {
		all = append(all, other)
	}
	for _, secret := range fixture.Secrets(namespace) {
		all = append(all, secret)
	}
	return all
}

// check resets the registries, and checks the scenario's object as the API server would send it, or the update of its pod.
func (r *replay) check(t *testing.T, e *engine.Engine) truth.Predicted {
	t.Helper()
	r.fixture.Reset()
	raw, err := r.fixture.Object(namespace)
	if err != nil {
		t.Fatal(err)
	}
	object := decode(t, raw).BeforeAdmission()
	if r.fixture.Scenario.Update != nil {
		object = r.updated(t)
	}
	if object.Mirror {
		return truth.Predict(nil)
	}
	r.checkEarlier(t, e)
	return truth.Predict(r.run(t, e, object))
}

// run checks one object.
func (r *replay) run(t *testing.T, e *engine.Engine, object podspec.Object) []imagepull.Finding {
	t.Helper()
	object.Pod.Namespace = namespace
	ctx, cancel := context.WithTimeout(t.Context(), r.config.Timeouts.Admission)
	defer cancel()
	return e.Check(ctx, object.Pod, object.Spec)
}

// checkEarlier checks the earlier pods, and then closes accounts.
func (r *replay) checkEarlier(t *testing.T, e *engine.Engine) {
	t.Helper()
	pods, err := r.fixture.Earlier(namespace)
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		r.fixture.Reset()
		r.run(t, e, decode(t, pod).BeforeAdmission())
	}
	r.fixture.CloseAccounts()
	r.fixture.Reset()
}

// updated returns the images that the scenario's update changes.
func (r *replay) updated(t *testing.T) podspec.Object {
	t.Helper()
	pod, err := r.fixture.Pod(namespace)
	if err != nil {
		t.Fatal(err)
	}
	// The API server copied them from the service account when the pod was created.
	if pod.Spec.ImagePullSecrets == nil {
		pod.Spec.ImagePullSecrets = r.fixture.Account(namespace).ImagePullSecrets
	}
	updated, err := r.fixture.Updated(pod)
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
