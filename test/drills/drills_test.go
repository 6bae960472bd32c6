//go:build cluster

package drills

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/test/cluster"
	"github.com/pullgate/pullgate/test/registry"
)

// maxRecovery bounds the time from the end of a fault until all answers are right again.
const maxRecovery = time.Minute

// drill is one fault under load.
type drill struct {
	name string
	// fail means failurePolicy Fail for pods.
	fail bool
	// fault breaks something and mends it.
	fault func(*testing.T, *environment)
	// allowed are the answers that the fault may cause, apart from right ones. Nothing may deny a good pod.
	allowed []answer
	// late means that the API server itself may be late.
	late bool
}

// drills returns the drills. Each leaves the installation as it was.
func drills() []drill {
	return []drill{
		// Pullgate's processes.
		{name: "one replica is killed", fault: killed(one), allowed: []answer{unchecked}},
		{name: "all replicas are killed", fault: killed(all), allowed: []answer{unchecked}},
		{name: "all replicas are killed, with Fail", fail: true, fault: killed(all), allowed: []answer{failed}},
		{name: "one replica hangs", fault: hanging(one), allowed: []answer{unchecked}},
		{name: "all replicas hang", fault: hanging(all), allowed: []answer{unchecked, indeterminate}},
		{name: "rolling restarts", fault: rollingRestarts},
		{name: "rolling restarts, with Fail", fail: true, fault: rollingRestarts},
		{name: "everything is gone, with Fail", fail: true, fault: everythingGone, allowed: []answer{failed}},
		{name: "little memory", fault: littleMemory, allowed: []answer{indeterminate}},
		{name: "the disk of the logs is full", fault: fullDisk},
		// Certificates and rights.
		{name: "the certificate's Secret is deleted", fault: deletedSecret},
		{name: "the CA bundle is wrong", fault: wrongBundle, allowed: []answer{unchecked}},
		{name: "secrets are forbidden", fault: forbiddenSecrets, allowed: []answer{indeterminate}},
		// The cluster.
		{name: "the API server restarts", fault: restarted("kube-apiserver"), allowed: []answer{unserved}, late: true},
		{name: "etcd restarts", fault: restarted("etcd"), allowed: []answer{unserved}, late: true},
		{name: "etcd is slow", fault: func(t *testing.T, e *environment) { e.pulse(t, "etcd") }, allowed: []answer{unserved}, late: true},
		{name: "DNS is down", fault: func(t *testing.T, e *environment) {
			e.dropPackets(t, "INPUT", "-p", "udp", "--dport", "53")
		}, allowed: []answer{indeterminate}},
		// The registry.
		{name: "the registry is down", fault: func(t *testing.T, e *environment) {
			e.reachRegistry(t, false)
			sleep(t, hold)
			e.reachRegistry(t, true)
		}, allowed: []answer{indeterminate}},
		{name: "the registry drops all packets", fault: func(t *testing.T, e *environment) {
			e.dropPackets(t, "INPUT", "-p", "tcp", "--dport", "443", "-d", registryAddress(e))
		}, allowed: []answer{indeterminate}},
		{name: "the registry flaps", fault: flapping, allowed: []answer{indeterminate}},
		{name: "the registry takes 2 s for an answer", fault: toxic("latency", 1, map[string]int{"latency": 2000}), allowed: []answer{indeterminate}},
		{name: "the registry's latency varies", fault: toxic("latency", 1, map[string]int{"latency": 300, "jitter": 250}), allowed: []answer{indeterminate}},
		{name: "half of the connections are reset", fault: toxic("reset_peer", 0.5, map[string]int{"timeout": 20}), allowed: []answer{indeterminate}},
		{name: "the registry sends 1 kB/s", fault: toxic("bandwidth", 1, map[string]int{"rate": 1}), allowed: []answer{indeterminate}},
		{name: "the registry's responses break off", fault: toxic("limit_data", 0.5, map[string]int{"bytes": 2000}), allowed: []answer{indeterminate}},
		{name: "the registry never answers", fault: faulty(registry.Fault{Hang: true}), allowed: []answer{indeterminate}},
		{name: "the registry fails", fault: faulty(registry.Fault{Status: 503}), allowed: []answer{indeterminate}},
		{name: "the registry limits the rate", fault: faulty(registry.Fault{Status: 429}), allowed: []answer{indeterminate}},
		{name: "a portal answers for the registry", fault: faulty(registry.Fault{
			Body: "<html>Please log in.</html>", Header: map[string][]string{"Content-Type": {"text/html"}},
		}), allowed: []answer{indeterminate}},
	}
}

// TestDrills runs the drills one after the other in one cluster.
func TestDrills(t *testing.T) {
	e := newEnvironment(t)
	table := []string{
		"| drill | creates | indeterminate | unchecked | failed | unserved | denied wrongly | late | slowest | recovery |",
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
	}
	for _, d := range drills() {
		t.Run(d.name, func(t *testing.T) { table = append(table, d.run(t, e)) })
	}
	t.Logf("\n%s", strings.Join(table, "\n"))
}

// run runs a drill under load, and returns its row of the table.
func (d drill) run(t *testing.T, e *environment) string {
	if d.fail {
		e.setWebhook(t, "/failurePolicy", admissionregistrationv1.Fail)
		defer e.setWebhook(t, "/failurePolicy", admissionregistrationv1.Ignore)
	}
	l := e.startLoad(t.Context())
	defer l.end()
	sleep(t, 2*time.Second)
	if before := l.reset(); before.answers[right] == 0 || len(before.answers) > 1 {
		t.Errorf("before the fault: %s", before)
	}
	d.fault(t, e)
	recovery := l.awaitRecovery(t)
	total := l.end()
	t.Logf("%s, recovery %s", total, recovery)
	for got := range total.answers {
		if got != right && !slices.Contains(d.allowed, got) {
			t.Errorf("%d answers are %q: %s", total.answers[got], got, total.examples[got])
		}
	}
	if total.late > 0 && !d.late {
		t.Errorf("%d answers took longer than %s", total.late, lateAfter)
	}
	if recovery > maxRecovery {
		t.Errorf("the recovery took %s, want at most %s", recovery, maxRecovery)
	}
	created := 0
	for _, n := range total.answers {
		created += n
	}
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d | %d | %s | %s |", d.name, created, total.answers[indeterminate],
		total.answers[unchecked], total.answers[failed], total.answers[unserved], total.answers[falseDenial], total.late,
		total.slowest.Round(10*time.Millisecond), recovery)
}

// awaitRecovery returns the whole seconds after which all answers are right, for three seconds.
func (l *load) awaitRecovery(t *testing.T) time.Duration {
	t.Helper()
	const period, enough = time.Second, 3
	l.reset()
	good := 0
	for begin := time.Now(); ; {
		sleep(t, period)
		if c := l.reset(); c.answers[right] > 0 && len(c.answers) == 1 {
			good++
		} else {
			good = 0
		}
		switch waited := time.Since(begin).Round(period); {
		case good == enough:
			return waited - enough*period
		case waited > timeout:
			t.Fatalf("no recovery after %s", waited)
		}
	}
}

func killed(r replicas) func(*testing.T, *environment) {
	return func(t *testing.T, e *environment) {
		e.signal(t, "KILL", r)
		e.awaitRollout(t)
	}
}

func hanging(r replicas) func(*testing.T, *environment) {
	return func(t *testing.T, e *environment) {
		e.signal(t, "STOP", r)
		sleep(t, hold)
		e.signal(t, "CONT", all)
	}
}

// rollingRestarts replaces all replicas several times: RESTARTS, or 3.
func rollingRestarts(t *testing.T, e *environment) {
	n, err := strconv.Atoi(os.Getenv("RESTARTS"))
	if err != nil {
		n = 3
	}
	for range n {
		e.restartDeployment(t)
	}
}

// everythingGone removes all replicas. The cluster and Pullgate must start without it.
func everythingGone(t *testing.T, e *environment) {
	e.scale(t, 0)
	e.awaitRollout(t)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "drill"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: cluster.OpenImage}}},
	}
	pods := e.client.CoreV1().Pods(metav1.NamespaceSystem)
	if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Errorf("without Pullgate, kube-system gets no pod: %v", err)
	}
	if err := pods.Delete(t.Context(), pod.Name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
	e.scale(t, 2)
}

// littleMemory leaves Pullgate a quarter of its memory.
func littleMemory(t *testing.T, e *environment) {
	limit := func(memory string) string {
		return fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":"pullgate","resources":{"limits":{"memory":%q}}}]}}}}`, memory)
	}
	e.patchDeployment(t, limit("64Mi"))
	e.awaitRollout(t)
	sleep(t, hold)
	pods, err := e.client.CoreV1().Pods(systemNamespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		for _, s := range pod.Status.ContainerStatuses {
			if s.RestartCount > 0 {
				t.Errorf("%s restarted %d times: %+v", pod.Name, s.RestartCount, s.LastTerminationState)
			}
		}
	}
	e.patchDeployment(t, limit("256Mi"))
	e.awaitRollout(t)
}

// fullDisk fills the file system with the logs of the pods, which the cluster keeps in memory.
func fullDisk(t *testing.T, e *environment) {
	file := filepath.Join(e.podLogs, "fill")
	if out, err := e.try(t, "dd", "if=/dev/zero", "of="+file, "bs=64k"); err == nil {
		t.Fatalf("the file system is not full: %s", out)
	}
	sleep(t, hold)
	e.run(t, "rm", file)
}

// deletedSecret deletes the Secret with Pullgate's certificate, and restarts the replicas.
func deletedSecret(t *testing.T, e *environment) {
	if err := e.client.CoreV1().Secrets(systemNamespace).Delete(t.Context(), "pullgate-certs", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	e.restartDeployment(t)
	if _, err := e.client.CoreV1().Secrets(systemNamespace).Get(t.Context(), "pullgate-certs", metav1.GetOptions{}); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}

func wrongBundle(t *testing.T, e *environment) {
	e.setWebhook(t, "/clientConfig/caBundle", e.foreignCA())
}

func forbiddenSecrets(t *testing.T, e *environment) {
	roles := e.client.RbacV1().ClusterRoleBindings()
	if err := roles.Delete(t.Context(), configuration, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	sleep(t, 2*hold)
	e.run(t, "kubectl", "apply", "-k", overlay(t))
}

// restarted kills a program of the control plane, which starts again immediately.
func restarted(program string) func(*testing.T, *environment) {
	return func(t *testing.T, e *environment) {
		if err := e.cluster.Restart(t.Context(), program); err != nil {
			t.Fatal(err)
		}
	}
}

func flapping(t *testing.T, e *environment) {
	const half = 500 * time.Millisecond
	for range hold / (2 * half) {
		e.reachRegistry(t, false)
		sleep(t, half)
		e.reachRegistry(t, true)
		sleep(t, half)
	}
}

func toxic(kind string, toxicity float64, attributes map[string]int) func(*testing.T, *environment) {
	return func(t *testing.T, e *environment) { e.toxic(t, kind, toxicity, attributes) }
}

// faulty makes the registry itself faulty.
func faulty(f registry.Fault) func(*testing.T, *environment) {
	return func(t *testing.T, e *environment) {
		remove := e.registry.Fault(f)
		sleep(t, hold)
		remove()
	}
}
