package certs

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// harness runs a secretSync with a fake client. In a synctest bubble the test fails if a goroutine outlives the context.
type harness struct {
	*secretSync
	client *fake.Clientset
	dir    string
	errs   []error
}

func start(t *testing.T, secret *corev1.Secret) *harness {
	t.Helper()
	h := &harness{client: fake.NewClientset(secret), dir: t.TempDir()}
	o := Options{Namespace: Namespace, CertDir: h.dir}
	h.secretSync = newSecretSync(h.client, o, func(err error) { h.errs = append(h.errs, err) })
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- h.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("Start: %v", err)
		}
	})
	synctest.Wait()
	return h
}

func (h *harness) update(t *testing.T, secret *corev1.Secret) {
	t.Helper()
	_, err := h.client.CoreV1().Secrets(Namespace).Update(t.Context(), secret, metav1.UpdateOptions{})
	must(t, err)
	synctest.Wait()
}

func (h *harness) isReady() bool {
	select {
	case <-h.ready:
		return true
	default:
		return false
	}
}

func TestSyncWritesTheSecret(t *testing.T) {
	t.Parallel()
	first, second := newPair(t), newPair(t)
	mixed := pair{cert: second.cert, key: first.key}
	keyless := pair{cert: second.cert}

	tests := map[string]struct {
		secrets []pair
		want    pair
		ready   bool
		err     string
	}{
		"an empty secret is not ready":              {secrets: []pair{{}}},
		"a full secret is written":                  {secrets: []pair{first}, want: first, ready: true},
		"an empty secret that is filled":            {secrets: []pair{{}, first}, want: first, ready: true},
		"a rotation":                                {secrets: []pair{first, second}, want: second, ready: true},
		"a mixed pair is rejected":                  {secrets: []pair{mixed}, err: "checking secret pullgate-certs"},
		"a mixed pair keeps the previous one":       {secrets: []pair{first, mixed}, want: first, ready: true, err: "checking secret"},
		"a certificate without a key is rejected":   {secrets: []pair{first, keyless}, want: first, ready: true, err: "checking secret"},
		"an emptied secret keeps the previous pair": {secrets: []pair{first, {}}, want: first, ready: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := start(t, tc.secrets[0].secret())
				for _, p := range tc.secrets[1:] {
					h.update(t, p.secret())
				}
				expectPair(t, h.dir, tc.want)
				if got := h.isReady(); got != tc.ready {
					t.Errorf("ready: got %v, want %v", got, tc.ready)
				}
				expectErrors(t, h.errs, tc.err)
			})
		})
	}
}

// A full disk may be fixed without a change of the Secret.
func TestSyncRepeatsAFailedWrite(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	synctest.Test(t, func(t *testing.T) {
		h := start(t, pair{}.secret())
		obstacle := filepath.Join(h.dir, corev1.TLSCertKey)
		mustMkdir(t, filepath.Join(obstacle, "x"))
		h.update(t, p.secret())
		expectErrors(t, h.errs, "writing certificate files: linking tls.crt")
		if h.isReady() {
			t.Fatal("ready without files")
		}

		must(t, os.RemoveAll(obstacle))
		<-time.After(resyncPeriod + time.Second)
		synctest.Wait()
		expectPair(t, h.dir, p)
		if !h.isReady() {
			t.Error("not ready after the obstacle was removed")
		}
	})
}

func TestSyncContinuesAfterADeletion(t *testing.T) {
	t.Parallel()
	first, second := newPair(t), newPair(t)
	synctest.Test(t, func(t *testing.T) {
		h := start(t, first.secret())
		must(t, h.client.CoreV1().Secrets(Namespace).Delete(t.Context(), SecretName, metav1.DeleteOptions{}))
		synctest.Wait()
		expectPair(t, h.dir, first)

		_, err := h.client.CoreV1().Secrets(Namespace).Create(t.Context(), second.secret(), metav1.CreateOptions{})
		must(t, err)
		synctest.Wait()
		expectPair(t, h.dir, second)
		expectErrors(t, h.errs, "")
	})
}

func TestSyncRequestsItsOwnSecretOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, pair{}.secret())
		type request struct{ Verb, Resource, Namespace, Fields string }
		var got []request
		for _, a := range h.client.Actions() {
			q := request{Verb: a.GetVerb(), Resource: a.GetResource().Resource, Namespace: a.GetNamespace()}
			switch a := a.(type) {
			case clienttesting.ListAction:
				q.Fields = a.GetListRestrictions().Fields.String()
			case clienttesting.WatchAction:
				q.Fields = a.GetWatchRestrictions().Fields.String()
			}
			got = append(got, q)
		}
		want := []request{
			{"list", "secrets", Namespace, "metadata.name=" + SecretName},
			{"watch", "secrets", Namespace, "metadata.name=" + SecretName},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

func TestSyncIgnoresOtherObjects(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newSecretSync(fake.NewClientset(), Options{CertDir: dir}, func(err error) { t.Errorf("got error %v", err) })
	p.sync(&corev1.ConfigMap{})
	expectPair(t, dir, pair{})
}

func TestSyncRunsOnEveryReplica(t *testing.T) {
	t.Parallel()
	if (&secretSync{}).NeedLeaderElection() {
		t.Error("the sync waits for leadership: a replica that is not elected would have no certificate")
	}
}
