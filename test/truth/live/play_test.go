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
	// longestPull is how long a pull is looked at that neither succeeds nor fails.
	longestPull = 40 * time.Second
	// longestRecovery is how long a failed one is given where the scenario says that it recovers.
	longestRecovery = 90 * time.Second
)

// play is one scenario on the stage.
type play struct {
	*stage
	world *truth.World
	gate  *gate
	// gated is the namespace where Pullgate is asked, and open that where the kubelet is.
	gated, open string
}

// perform plays the scenario to Pullgate and to the kubelet.
func (s *stage) perform(t *testing.T, scenario *truth.Scenario) (truth.Foretold, truth.Recorded) {
	t.Helper()
	defer s.names.take(scenario)()
	world, err := truth.Build(scenario, s.Cluster, s.program)
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	remove, err := world.WriteHosts(s.HostsDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := remove(); err != nil {
			t.Error(err)
		}
	}()
	p := &play{stage: s, world: world, gate: s.gateFor(t, world), gated: scenario.ID() + "-gated", open: scenario.ID()}
	p.prepare(t)
	defer p.clear(t)
	foretold := p.foretell(t)
	world.Begin()
	recorded := p.record(t)
	if t.Failed() {
		t.Logf("asked by the kubelet:\n%s", world.Requests())
	}
	return foretold, recorded
}

// prepare sets up the two namespaces alike.
func (p *play) prepare(t *testing.T) {
	t.Helper()
	p.createLocalRegistry(t)
	p.createNamespace(t, p.open, nil)
	p.createNamespace(t, p.gated, map[string]string{gateLabel: p.gate.id, modeLabel: "enforce"})
	for _, namespace := range []string{p.open, p.gated} {
		for _, secret := range p.world.Secrets(namespace) {
			if _, err := p.client.CoreV1().Secrets(namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		p.updateAccount(t, namespace)
	}
	p.world.Begin()
	p.runBefore(t)
	p.createNodes(t)
}

// updateAccount waits for the namespace's service account, and gives it its pull secrets.
func (p *play) updateAccount(t *testing.T, namespace string) {
	t.Helper()
	accounts := p.client.CoreV1().ServiceAccounts(namespace)
	await(t, func(ctx context.Context) (bool, error) {
		account, err := accounts.Get(ctx, "default", metav1.GetOptions{})
		if err != nil {
			return false, ignoreNotFound(err)
		}
		account.ImagePullSecrets = p.world.Account(namespace).ImagePullSecrets
		_, err = accounts.Update(ctx, account, metav1.UpdateOptions{})
		return err == nil, nil
	}, func() string { return "there is no service account" })
}

// runBefore has the pods that come first pull their images, and waits until the node reports these.
func (p *play) runBefore(t *testing.T) {
	t.Helper()
	pods, err := p.world.Before(p.open)
	if err != nil {
		t.Fatal(err)
	}
	var images []string
	for _, pod := range pods {
		p.create(t, pod)
		if got := p.observe(t, pod.Name, false); got.Outcome != truth.Pulled {
			t.Fatalf("the pod %s before has not pulled: %v", pod.Name, got)
		}
		for _, c := range pod.Spec.Containers {
			images = append(images, c.Image)
		}
	}
	p.awaitImages(t, images)
}

// foretell asks Pullgate through the API server and, but for updates, by its command.
func (p *play) foretell(t *testing.T) truth.Foretold {
	t.Helper()
	if p.world.Scenario.Update != nil {
		return p.foretellUpdate(t)
	}
	object, err := p.world.Object(p.gated)
	if err != nil {
		t.Fatal(err)
	}
	p.world.Begin()
	foretold := p.check(t, p.gate, p.gated, object)
	p.world.Begin()
	if problem := p.dryRun(t, object).contradicts(foretold); problem != "" {
		t.Error(problem)
	}
	return foretold
}

// foretellUpdate asks about an update of a pod that runs.
func (p *play) foretellUpdate(t *testing.T) truth.Foretold {
	t.Helper()
	pod, err := p.world.Pod(p.gated)
	if err != nil {
		t.Fatal(err)
	}
	p.create(t, pod)
	p.world.Begin()
	a := answer{}
	client := p.warned(t, &a.warnings)
	a.err = p.update(t.Context(), client, pod, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
	return a.foretold()
}

// record plays the pod to the kubelet.
func (p *play) record(t *testing.T) truth.Recorded {
	t.Helper()
	if p.world.Scenario.Deployment {
		return p.recordDeployment(t)
	}
	pod, err := p.world.Pod(p.open)
	if err != nil {
		t.Fatal(err)
	}
	p.create(t, pod)
	recorded := p.observe(t, pod.Name, p.world.Scenario.Recovers)
	if p.world.Scenario.Update == nil {
		return recorded
	}
	if recorded.Outcome != truth.Pulled {
		t.Fatalf("the pod to update does not run: %v", recorded)
	}
	if err := p.update(t.Context(), p.client, pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	return p.observe(t, pod.Name, false)
}

// update applies the scenario's update to the pod as it is now.
func (p *play) update(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, o metav1.UpdateOptions) error {
	pods := client.CoreV1().Pods(pod.Namespace)
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		stored, err := pods.Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		updated, err := p.world.Updated(stored)
		if err != nil {
			return err
		}
		if p.world.Scenario.Update.Ephemeral != "" {
			_, err = pods.UpdateEphemeralContainers(ctx, pod.Name, updated, o)
		} else {
			_, err = pods.Update(ctx, updated, o)
		}
		return err
	})
}

// observe waits until it is clear what becomes of the pod's images. One that recovers is given time for it.
func (p *play) observe(t *testing.T, name string, recovers bool) truth.Recorded {
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
		pod, err := p.client.CoreV1().Pods(p.open).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		now, settled := truth.Observe(pod)
		// A container whose new image can't be pulled tells of its old one for ever. What failed is the new one: the old one runs.
		if now.Outcome != truth.Failed && !p.isCurrent(pod) {
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

// warned is a client whose warnings are collected.
func (p *play) warned(t *testing.T, w *warnings) kubernetes.Interface {
	t.Helper()
	config, err := p.Config()
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
