//go:build cluster

package live

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"

	"github.com/pullgate/pullgate/test/truth"
)

const (
	// longestPull is the time limit of a pull.
	longestPull = 40 * time.Second
	// longestRecovery is the time limit of a pull that should recover.
	longestRecovery = 90 * time.Second
)

// scenarioRun is one scenario in the cluster.
type scenarioRun struct {
	*testCluster
	fixture *truth.Fixture
	webhook *webhook
	// checked is the namespace that Pullgate checks, unchecked the one where the kubelet runs the pod.
	checked, unchecked string
}

// run lets Pullgate check the scenario, and then lets the kubelet run it.
func (s *testCluster) run(t *testing.T, scenario *truth.Scenario) (truth.Predicted, truth.Recorded) {
	t.Helper()
	defer s.names.take(scenario)()
	views := &site{Cluster: s.Cluster, hosts: map[string]string{}}
	fixture, err := truth.Build(scenario, views, s.program)
	if err != nil {
		t.Fatal(err)
	}
	defer fixture.Close()
	remove, err := fixture.WriteHosts(s.HostsDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := remove(); err != nil {
			t.Error(err)
		}
	}()
	r := &scenarioRun{testCluster: s, fixture: fixture, webhook: s.webhookFor(t, fixture, views), checked: scenario.ID() + "-check", unchecked: scenario.ID()}
	r.prepare(t)
	defer r.clear(t)
	r.checkEarlier(t)
	predicted := r.predict(t)
	fixture.Reset()
	r.importImages(t, scenario.Node.Loads)
	recorded := r.record(t)
	t.Logf("requests of the kubelet:\n%s", fixture.Requests()) // to be printed if the prediction turns out to be wrong
	return predicted, recorded
}

// prepare creates the same objects in both namespaces.
func (r *scenarioRun) prepare(t *testing.T) {
	t.Helper()
	r.createLocalRegistry(t)
	r.createNamespace(t, r.unchecked, nil)
	r.createNamespace(t, r.checked, map[string]string{webhookLabel: r.webhook.id, modeLabel: "enforce"})
	for _, namespace := range []string{r.unchecked, r.checked} {
		r.createSecrets(t, r.fixture.Secrets(namespace))
		r.updateAccount(t, namespace)
	}
	r.fixture.Reset()
	r.runBefore(t)
	r.createNodes(t)
}

func (r *scenarioRun) createSecrets(t *testing.T, secrets []*corev1.Secret) {
	t.Helper()
	for _, secret := range secrets {
		if _, err := r.client.CoreV1().Secrets(secret.Namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// updateAccount waits for the namespace's service account, and sets its pull secrets.
func (r *scenarioRun) updateAccount(t *testing.T, namespace string) {
	t.Helper()
	accounts := r.client.CoreV1().ServiceAccounts(namespace)
	await(t, func(ctx context.Context) (bool, error) {
		account, err := accounts.Get(ctx, "default", metav1.GetOptions{})
		if err != nil {
			return false, ignoreNotFound(err)
		}
		account.ImagePullSecrets = r.fixture.Account(namespace).ImagePullSecrets
		_, err = accounts.Update(ctx, account, metav1.UpdateOptions{})
		return err == nil, nil
	}, func() string { return "the service account does not exist" })
}

// runBefore runs the pods that come first, and waits until the node reports their images.
func (r *scenarioRun) runBefore(t *testing.T) {
	t.Helper()
	pods, err := r.fixture.Before(r.unchecked)
	if err != nil {
		t.Fatal(err)
	}
	var images []string
	for _, pod := range pods {
		r.create(t, pod)
		if got := r.observe(t, pod.Name, false); got.Outcome != truth.Pulled {
			t.Fatalf("the earlier pod %s did not pull: %v", pod.Name, got)
		}
		for _, c := range pod.Spec.Containers {
			images = append(images, c.Image)
		}
	}
	r.awaitImages(t, images)
}

// checkEarlier lets the webhook check the earlier pods, and then closes accounts.
func (r *scenarioRun) checkEarlier(t *testing.T) {
	t.Helper()
	pods, err := r.fixture.Earlier(r.checked)
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		r.fixture.Reset()
		r.dryRun(t, pod)
	}
	r.fixture.CloseAccounts()
}

// predict returns Pullgate's verdict through the API server and, except for updates and after earlier checks, through its
// command line.
func (r *scenarioRun) predict(t *testing.T) truth.Predicted {
	t.Helper()
	if r.fixture.Scenario.Update != nil {
		return r.predictUpdate(t)
	}
	object, err := r.fixture.Object(r.checked)
	if err != nil {
		t.Fatal(err)
	}
	r.fixture.Reset()
	if r.fixture.Scenario.Earlier != nil {
		return r.dryRun(t, object).predicted() // only the webhook has checked the earlier pods
	}
	predicted := r.check(t, r.webhook, r.checked, object)
	r.fixture.Reset()
	if problem := r.dryRun(t, object).contradicts(predicted); problem != "" {
		t.Error(problem)
	}
	return predicted
}

// predictUpdate returns Pullgate's verdict on an update of a running pod.
func (r *scenarioRun) predictUpdate(t *testing.T) truth.Predicted {
	t.Helper()
	pod, err := r.fixture.Pod(r.checked)
	if err != nil {
		t.Fatal(err)
	}
	r.create(t, pod)
	r.fixture.Reset()
	a := admission{}
	client := r.warningClient(t, &a.warnings)
	a.err = r.update(t.Context(), client, pod, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
	return a.predicted()
}

// record runs the pod on the kubelet.
func (r *scenarioRun) record(t *testing.T) truth.Recorded {
	t.Helper()
	if r.fixture.Scenario.Deployment {
		return r.follow(t, r.createDeployment(t))
	}
	pod, err := r.fixture.Pod(r.unchecked)
	if err != nil {
		t.Fatal(err)
	}
	r.create(t, pod)
	recorded := r.follow(t, pod.Name)
	if r.fixture.Scenario.Update == nil {
		return recorded
	}
	if recorded.Outcome != truth.Pulled {
		t.Fatalf("the pod to update is not running: %v", recorded)
	}
	if err := r.update(t.Context(), r.client, pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	return r.observe(t, pod.Name, false)
}

// follow observes the pod, and creates the later secrets when its first pull has failed.
func (r *scenarioRun) follow(t *testing.T, name string) truth.Recorded {
	t.Helper()
	later := r.fixture.LaterSecrets(r.unchecked)
	recorded := r.observe(t, name, later == nil && r.fixture.Scenario.Recovers)
	if later == nil || recorded.Outcome != truth.Failed {
		return recorded
	}
	r.createSecrets(t, later)
	if recorded = r.observe(t, name, true); recorded.Outcome == truth.Pulled {
		recorded.Outcome = truth.PulledLater
	}
	return recorded
}

// update applies the scenario's update to the current pod.
func (r *scenarioRun) update(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, o metav1.UpdateOptions) error {
	pods := client.CoreV1().Pods(pod.Namespace)
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		stored, err := pods.Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		updated, err := r.fixture.Updated(stored)
		if err != nil {
			return err
		}
		if r.fixture.Scenario.Update.Ephemeral != "" {
			_, err = pods.UpdateEphemeralContainers(ctx, pod.Name, updated, o)
		} else {
			_, err = pods.Update(ctx, updated, o)
		}
		return err
	})
}

// observe waits until the result of the pulls is final. With recovers, it waits for a success.
func (r *scenarioRun) observe(t *testing.T, name string, recovers bool) truth.Recorded {
	t.Helper()
	var (
		recorded = truth.Recorded{Outcome: truth.Hanging}
		failed   bool
	)
	limit := longestPull
	if recovers {
		limit = longestRecovery
	}
	err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, limit, true, func(ctx context.Context) (done bool, err error) {
		pod, err := r.client.CoreV1().Pods(r.unchecked).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		now, settled := truth.Observe(pod)
		// If the new image of a container cannot be pulled, its status describes the old one, which runs. Only a
		// failure then describes the new image.
		if now.Outcome != truth.Failed && !r.isCurrent(pod) {
			return false, nil
		}
		recorded, done = now, settled
		failed = failed || recorded.Outcome == truth.Failed
		return done && (recorded.Outcome == truth.Pulled || !recovers), nil
	})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if failed && recorded.Outcome == truth.Pulled {
		recorded.Outcome = truth.PulledLater
	}
	return recorded
}

// warningClient returns a client that collects warnings.
func (r *scenarioRun) warningClient(t *testing.T, w *warnings) kubernetes.Interface {
	t.Helper()
	config, err := r.Config()
	if err != nil {
		t.Fatal(err)
	}
	config = rest.CopyConfig(config)
	config.WarningHandler = w
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
