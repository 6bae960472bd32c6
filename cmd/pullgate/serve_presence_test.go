package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/test/process"
)

// configurations returns one webhook configuration, or an error.
type configurations struct {
	mu            sync.Mutex
	configuration *admissionregistrationv1.ValidatingWebhookConfiguration
	err           error
	reads         int
}

func (c *configurations) Get(
	_ context.Context, name string, _ metav1.GetOptions,
) (*admissionregistrationv1.ValidatingWebhookConfiguration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	if name != certs.WebhookConfigurationName {
		return nil, errors.New("another name: " + name)
	}
	return c.configuration, c.err
}

// change calls a function that changes the response.
func (c *configurations) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// shippedConfiguration returns the configuration of the manifests, with a CA.
func shippedConfiguration(t *testing.T) *admissionregistrationv1.ValidatingWebhookConfiguration {
	t.Helper()
	data, err := os.ReadFile("../../manifests/base/70-validatingwebhookconfiguration.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c admissionregistrationv1.ValidatingWebhookConfiguration
	if err := yaml.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	for i := range c.Webhooks {
		c.Webhooks[i].ClientConfig.CABundle = []byte("CA")
	}
	return &c
}

func TestWhyTheAPIServerDoesNotCallPullgate(t *testing.T) {
	t.Parallel()
	other, url, otherURL := "other", "https://192.0.2.1:9443/validate", "https://192.0.2.1:9443/other"
	const otherService = "webhook pods.pullgate.dev has another service, namespace or path"
	tests := map[string]struct {
		change func(pods *admissionregistrationv1.ValidatingWebhook)
		want   string
	}{
		"as shipped":           {func(*admissionregistrationv1.ValidatingWebhook) {}, ""},
		"another service":      {func(w *admissionregistrationv1.ValidatingWebhook) { w.ClientConfig.Service.Name = other }, otherService},
		"another namespace":    {func(w *admissionregistrationv1.ValidatingWebhook) { w.ClientConfig.Service.Namespace = other }, otherService},
		"another path":         {func(w *admissionregistrationv1.ValidatingWebhook) { w.ClientConfig.Service.Path = &other }, otherService},
		"no path":              {func(w *admissionregistrationv1.ValidatingWebhook) { w.ClientConfig.Service.Path = nil }, otherService},
		"no caBundle":          {func(w *admissionregistrationv1.ValidatingWebhook) { w.ClientConfig.CABundle = nil }, "webhook pods.pullgate.dev has no caBundle"},
		"updates only":         {func(w *admissionregistrationv1.ValidatingWebhook) { w.Rules[0].Operations = w.Rules[0].Operations[1:] }, "it has no webhook for new pods"},
		"ephemeral containers": {func(w *admissionregistrationv1.ValidatingWebhook) { w.Rules = w.Rules[1:] }, "it has no webhook for new pods"},
		"everything": {func(w *admissionregistrationv1.ValidatingWebhook) {
			all := []string{"*"}
			w.Rules[0].Operations = []admissionregistrationv1.OperationType{"*"}
			w.Rules[0].APIGroups, w.Rules[0].APIVersions, w.Rules[0].Resources = all, all, all
		}, ""},
		"a URL": {func(w *admissionregistrationv1.ValidatingWebhook) {
			w.ClientConfig = admissionregistrationv1.WebhookClientConfig{URL: &url}
		}, ""},
		"another URL": {func(w *admissionregistrationv1.ValidatingWebhook) {
			w.ClientConfig = admissionregistrationv1.WebhookClientConfig{URL: &otherURL}
		}, otherService},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := shippedConfiguration(t)
			test.change(&c.Webhooks[0])
			if got := whyNotCalled(c, certs.Namespace); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPresenceIsLoggedWhenItChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log process.Buffer
		absent := apierrors.NewNotFound(schema.GroupResource{Resource: "validatingwebhookconfigurations"}, "pullgate")
		forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "validatingwebhookconfigurations"}, "pullgate", nil)
		all := &configurations{}
		p := &presence{configurations: all, namespace: certs.Namespace, log: slog.New(slog.NewTextHandler(&log, nil))}
		if present, known := p.state(); present || known {
			t.Errorf("state() = %t, %t before the first read", present, known)
		}
		all.err = forbidden
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Start(ctx) }()
		for _, step := range []struct {
			name           string
			change         func()
			present, known bool
			log            string
		}{
			{"no right", func() {}, false, false, "cannot read the webhook configuration"},
			{"still no right", func() {}, false, false, ""},
			{"there", func() { all.configuration, all.err = shippedConfiguration(t), nil }, true, true, ""},
			{"deleted", func() { all.err = absent }, false, true, "the API server does not call Pullgate: objects are admitted unchecked"},
			{"still deleted", func() {}, false, true, ""},
			{"no answer", func() { all.err = errors.New("connection refused") }, false, true, "cannot read the webhook configuration"},
			{"created", func() { all.err = nil }, true, true, "the API server calls Pullgate again"},
			{"altered", func() { all.configuration = &admissionregistrationv1.ValidatingWebhookConfiguration{} }, false, true, "it has no webhook for new pods"},
		} {
			all.change(step.change)
			time.Sleep(presenceInterval)
			synctest.Wait()
			if present, known := p.state(); present != step.present || known != step.known {
				t.Errorf("%s: state() = %t, %t, want %t, %t", step.name, present, known, step.present, step.known)
			}
			if lines := strings.Count(log.String(), "\n"); !strings.Contains(log.String(), step.log) || (lines == 0) != (step.log == "") || lines > 1 {
				t.Errorf("%s: log = %q, want %q", step.name, log.String(), step.log)
			}
			log.Reset()
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Start() = %v", err)
		}
	})
}
