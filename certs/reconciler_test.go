package certs

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// harness is a reconciler with a fake API server.
type harness struct {
	*reconciler
	client *fake.Clientset
	dir    string

	mu   sync.Mutex
	logs []string
}

// logged returns the text of the log.
func (h *harness) logged() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.logs, "\n")
}

func newHarness(t *testing.T, objects ...runtime.Object) *harness {
	t.Helper()
	h := &harness{client: fake.NewClientset(objects...), dir: t.TempDir()}
	log := funcr.New(func(_, args string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.logs = append(h.logs, args)
	}, funcr.Options{})
	h.reconciler = newReconciler(h.client, Options{Namespace: Namespace, CertDir: h.dir}, log)
	return h
}

// start runs the reconciler in a synctest bubble. The test fails if a goroutine outlives the context.
func (h *harness) start(t *testing.T) {
	t.Helper()
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
}

func (h *harness) secret(t *testing.T) *corev1.Secret {
	t.Helper()
	secret, err := h.client.CoreV1().Secrets(Namespace).Get(t.Context(), SecretName, metav1.GetOptions{})
	must(t, err)
	return secret
}

func (h *harness) configuration(t *testing.T) *admissionregistrationv1.ValidatingWebhookConfiguration {
	t.Helper()
	c, err := h.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(t.Context(), WebhookConfigurationName, metav1.GetOptions{})
	must(t, err)
	return c
}

// expectAgreement compares the files and the webhooks with the Secret.
func (h *harness) expectAgreement(t *testing.T) {
	t.Helper()
	data := h.secret(t).Data
	if _, changed, err := newIssuer(Namespace).renew(data, time.Now()); changed || err != nil {
		t.Errorf("the Secret is not valid: changed %v, error %v", changed, err)
	}
	expectPair(t, h.dir, pair{data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey]})
	for _, w := range h.configuration(t).Webhooks {
		if !bytes.Equal(w.ClientConfig.CABundle, data[corev1.ServiceAccountRootCAKey]) {
			t.Errorf("%s has another authority", w.Name)
		}
	}
}

// webhooks returns a configuration whose webhooks have these authorities.
func webhooks(bundles ...string) *admissionregistrationv1.ValidatingWebhookConfiguration {
	c := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: WebhookConfigurationName}}
	for i, b := range bundles {
		c.Webhooks = append(c.Webhooks, admissionregistrationv1.ValidatingWebhook{
			Name:         string(rune('a'+i)) + ".pullgate.dev",
			ClientConfig: admissionregistrationv1.WebhookClientConfig{CABundle: []byte(b)},
		})
	}
	return c
}

func TestReconcilerWritesWhatIsMissing(t *testing.T) {
	t.Parallel()
	valid := newPair(t)
	mixed := newPair(t)
	mixed.data[corev1.TLSPrivateKeyKey] = valid.key
	noAuthorityKey := newPair(t)
	delete(noAuthorityKey.data, authorityKeyKey)
	tests := map[string]struct {
		objects []runtime.Object
		// kept is set if the Secret is not changed.
		kept bool
	}{
		"no secret":                  {objects: []runtime.Object{webhooks("", "")}},
		"an empty secret":            {objects: []runtime.Object{webhooks("", ""), secretOf(nil)}},
		"a valid secret":             {objects: []runtime.Object{webhooks("", ""), secretOf(valid.data)}, kept: true},
		"another authority":          {objects: []runtime.Object{webhooks("other", ""), secretOf(valid.data)}, kept: true},
		"a key of another pair":      {objects: []runtime.Object{webhooks("", ""), secretOf(mixed.data)}},
		"an authority without a key": {objects: []runtime.Object{webhooks("", ""), secretOf(noAuthorityKey.data)}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, tc.objects...)
			must(t, h.reconcile(t.Context()))
			h.expectAgreement(t)
			if kept := cmp.Equal(h.secret(t).Data, valid.data); kept != tc.kept {
				t.Errorf("the Secret is unchanged: %v, want %v", kept, tc.kept)
			}
			h.client.ClearActions()
			must(t, h.reconcile(t.Context()))
			for _, a := range h.client.Actions() {
				if a.GetVerb() != "get" {
					t.Errorf("the second reconciliation sent %s %s", a.GetVerb(), a.GetResource().Resource)
				}
			}
		})
	}
}

// An operator's own key of the Secret is kept, and the fields of a webhook that the patch does not name.
func TestReconcilerKeepsOtherFields(t *testing.T) {
	t.Parallel()
	configuration := webhooks("", "")
	configuration.Webhooks[1].TimeoutSeconds = new(int32(7))
	h := newHarness(t, configuration, secretOf(map[string][]byte{"note": []byte("keep")}))
	must(t, h.reconcile(t.Context()))
	h.expectAgreement(t)
	if got := string(h.secret(t).Data["note"]); got != "keep" {
		t.Errorf("note: got %q, want keep", got)
	}
	if got := h.configuration(t).Webhooks[1].TimeoutSeconds; got == nil || *got != 7 {
		t.Errorf("timeout: got %v, want 7", got)
	}
}

// A patch of the webhooks that were read must not change webhooks that another client has written since.
func TestPatchHasTheResourceVersion(t *testing.T) {
	t.Parallel()
	c := webhooks("", "new")
	c.ResourceVersion = "7"
	got, err := bundlePatch(c, []byte("new"))
	must(t, err)
	const want = `{"metadata":{"resourceVersion":"7"},"webhooks":[{"clientConfig":{"caBundle":"bmV3"},"name":"a.pullgate.dev"}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("patch (-want +got):\n%s", diff)
	}
}

// A deleted Secret and a wrong authority heal while the process runs, without a wait.
func TestReconcilerHealsAfterAChange(t *testing.T) {
	t.Parallel()
	changes := map[string]func(*testing.T, *harness){
		"the secret is deleted": func(t *testing.T, h *harness) {
			must(t, h.client.CoreV1().Secrets(Namespace).Delete(t.Context(), SecretName, metav1.DeleteOptions{}))
		},
		"the secret is emptied": func(t *testing.T, h *harness) {
			_, err := h.client.CoreV1().Secrets(Namespace).Update(t.Context(), secretOf(nil), metav1.UpdateOptions{})
			must(t, err)
		},
		"the authority is replaced": func(t *testing.T, h *harness) {
			c := h.configuration(t)
			c.Webhooks[0].ClientConfig.CABundle = []byte("other")
			_, err := h.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Update(t.Context(), c, metav1.UpdateOptions{})
			must(t, err)
		},
		"the webhooks are replaced": func(t *testing.T, h *harness) {
			configurations := h.client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
			must(t, configurations.Delete(t.Context(), WebhookConfigurationName, metav1.DeleteOptions{}))
			_, err := configurations.Create(t.Context(), webhooks("", "", ""), metav1.CreateOptions{})
			must(t, err)
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, webhooks("", ""))
				h.start(t)
				h.expectAgreement(t)
				began := time.Now()
				change(t, h)
				synctest.Wait()
				h.expectAgreement(t)
				if waited := time.Since(began); waited != 0 {
					t.Errorf("healed after %s, want no delay", waited)
				}
			})
		})
	}
}

// Of two replicas, one creates the Secret. The other one uses it.
// An operator deletes the configuration to switch Pullgate off. That must not be undone, and is not an error of the certificate.
func TestReconcilerLeavesADeletedConfigurationDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, webhooks("old"))
		h.start(t)
		configurations := h.client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
		must(t, configurations.Delete(t.Context(), WebhookConfigurationName, metav1.DeleteOptions{}))
		time.Sleep(checkInterval)
		synctest.Wait()
		must(t, h.client.CoreV1().Secrets(Namespace).Delete(t.Context(), SecretName, metav1.DeleteOptions{}))
		synctest.Wait()
		h.secret(t) // it has been created again, so that a reconciliation has ended
		if _, err := configurations.Get(t.Context(), WebhookConfigurationName, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("reading the configuration: %v, want that it does not exist", err)
		}
		if strings.Contains(h.logged(), "not up to date") {
			t.Errorf("log = %s, want no error", h.logged())
		}
		_, err := configurations.Create(t.Context(), webhooks(""), metav1.CreateOptions{})
		must(t, err)
		synctest.Wait()
		h.expectAgreement(t)
	})
}

func TestReconcilersAgreeOnOneSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := newHarness(t, webhooks("", ""))
		second := newHarness(t)
		second.reconciler.client = first.client
		second.client = first.client
		first.start(t)
		second.start(t)
		time.Sleep(time.Minute)
		synctest.Wait()
		first.expectAgreement(t)
		second.expectAgreement(t)
	})
}

// A certificate is renewed renewBefore its end, without any event, and the authority is kept.
func TestReconcilerRenewsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, webhooks(""))
		must(t, h.reconcile(t.Context()))
		before := h.secret(t).Data
		time.Sleep(servingValidity - renewBefore - time.Minute)
		must(t, h.reconcile(t.Context()))
		if diff := cmp.Diff(before, h.secret(t).Data); diff != "" {
			t.Fatal("the certificate was renewed too early")
		}
		time.Sleep(2 * time.Minute)
		must(t, h.reconcile(t.Context()))
		h.expectAgreement(t)
		after := h.secret(t).Data
		if bytes.Equal(before[corev1.TLSCertKey], after[corev1.TLSCertKey]) {
			t.Error("the certificate is not renewed")
		}
		if !bytes.Equal(before[corev1.ServiceAccountRootCAKey], after[corev1.ServiceAccountRootCAKey]) {
			t.Error("the authority is replaced")
		}
	})
}

// A failure is logged with its cause, and repeated until it passes. It never ends the process.
func TestReconcilerRepeatsFailures(t *testing.T) {
	t.Parallel()
	forbidden := func(resource string) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no right"))
	}
	tests := map[string]struct {
		verb, resource string
		err            error
		want           string
	}{
		"API server away":     {"get", "secrets", errors.New("connection refused"), "secret pullgate-system/pullgate-certs: connection refused"},
		"reading forbidden":   {"get", "secrets", forbidden("secrets"), "secret pullgate-system/pullgate-certs: secrets is forbidden"},
		"creating forbidden":  {"create", "secrets", forbidden("secrets"), "secret pullgate-system/pullgate-certs: secrets is forbidden"},
		"a competing replica": {"create", "secrets", apierrors.NewAlreadyExists(schema.GroupResource{}, SecretName), "already exists"},
		"patching forbidden":  {"patch", "validatingwebhookconfigurations", forbidden("webhooks"), "validatingwebhookconfiguration pullgate: webhooks is forbidden"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, webhooks(""))
				failures := 5
				h.client.PrependReactor(tc.verb, tc.resource, func(clienttesting.Action) (bool, runtime.Object, error) {
					failures--
					return failures >= 0, nil, tc.err
				})
				h.start(t)
				if log := h.logged(); !strings.Contains(log, tc.want) {
					t.Errorf("log %q, want %q in it", log, tc.want)
				}
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				h.expectAgreement(t)
			})
		})
	}
}

// A full disk may be freed without a change of the Secret.
func TestReconcilerRepeatsAFailedWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, webhooks(""))
		obstacle := filepath.Join(h.dir, currentLink)
		mustMkdir(t, obstacle)
		h.start(t)
		if log := h.logged(); !strings.Contains(log, "writing certificate files: ") {
			t.Errorf("log %q, want the cause", log)
		}
		must(t, os.Remove(obstacle))
		time.Sleep(time.Minute)
		synctest.Wait()
		h.expectAgreement(t)
	})
}

// No private key is in a log.
func TestReconcilerLogsNoKey(t *testing.T) {
	t.Parallel()
	h := newHarness(t, webhooks(""))
	must(t, h.reconcile(t.Context()))
	if text := h.logged(); text == "" || strings.Contains(text, "PRIVATE KEY") {
		t.Errorf("logs %q, want a message without a key", text)
	}
}
