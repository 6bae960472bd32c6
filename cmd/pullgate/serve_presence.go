package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/metrics"
)

const (
	// presenceInterval is the time between two reads of the webhook configuration.
	presenceInterval = 5 * time.Second
	// presenceTimeout bounds one read.
	presenceTimeout = 3 * time.Second
)

// webhookConfigurations reads webhook configurations, as a clientset does.
type webhookConfigurations interface {
	Get(ctx context.Context, name string, o metav1.GetOptions) (*admissionregistrationv1.ValidatingWebhookConfiguration, error)
}

// addPresence adds the watch of the webhook configuration.
func addPresence(mgr ctrl.Manager, logger *slog.Logger) error {
	clientset, err := kubernetes.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("making the API client: %w", withoutUserinfo(err))
	}
	p := &presence{
		configurations: clientset.AdmissionregistrationV1().ValidatingWebhookConfigurations(), namespace: ownNamespace(), log: logger,
	}
	if err := metrics.WatchWebhookConfiguration(ctrlmetrics.Registry, p.state); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	if err := mgr.Add(p); err != nil {
		return fmt.Errorf("watching the webhook configuration: %w", err)
	}
	return nil
}

// presence reports whether the API server is configured to call Pullgate. Without that, objects are admitted unchecked, and no request
// shows it. It changes nothing: an operator may have deleted the configuration on purpose.
type presence struct {
	configurations webhookConfigurations
	namespace      string
	log            *slog.Logger

	// cause is why the API server does not call Pullgate, empty if it does, and nil if that is not known.
	cause atomic.Pointer[string]
	// unreadable reports whether the last read failed.
	unreadable bool
}

var (
	_ manager.Runnable               = (*presence)(nil)
	_ manager.LeaderElectionRunnable = (*presence)(nil)
)

// NeedLeaderElection returns false: every replica has the metric.
func (*presence) NeedLeaderElection() bool { return false }

// Start reads the configuration at intervals, until the context ends.
func (p *presence) Start(ctx context.Context) error {
	ticker := time.NewTicker(presenceInterval)
	defer ticker.Stop()
	for {
		p.read(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// state returns the value of the metric.
func (p *presence) state() (present, known bool) {
	cause := p.cause.Load()
	return cause != nil && *cause == "", cause != nil
}

// read reads the configuration, and logs each change. A failure to read it keeps the last state.
func (p *presence) read(ctx context.Context) {
	requestCtx, cancel := context.WithTimeout(ctx, presenceTimeout)
	defer cancel()
	c, err := p.configurations.Get(requestCtx, certs.WebhookConfigurationName, metav1.GetOptions{})
	cause := ""
	switch {
	case apierrors.IsNotFound(err):
		cause = "it does not exist"
	case err != nil:
		if !p.unreadable && ctx.Err() == nil {
			p.log.WarnContext(ctx, "cannot read the webhook configuration", "name", certs.WebhookConfigurationName, "error", err)
		}
		p.unreadable = true
		return
	default:
		cause = whyNotCalled(c, p.namespace)
	}
	p.unreadable = false
	before := p.cause.Swap(&cause)
	switch {
	case before != nil && *before == cause:
	case cause != "":
		p.log.WarnContext(ctx, "the API server does not call Pullgate: objects are admitted unchecked",
			"webhookConfiguration", certs.WebhookConfigurationName, "cause", cause)
	case before != nil:
		p.log.InfoContext(ctx, "the API server calls Pullgate again", "webhookConfiguration", certs.WebhookConfigurationName)
	}
}

// whyNotCalled returns why the API server does not call Pullgate for new pods, or "". Selectors and conditions are not judged, since they
// depend on the objects.
func whyNotCalled(c *admissionregistrationv1.ValidatingWebhookConfiguration, namespace string) string {
	cause := "it has no webhook for new pods"
	for _, w := range c.Webhooks {
		if !slices.ContainsFunc(w.Rules, matchesNewPods) {
			continue
		}
		switch {
		case !isOwn(w.ClientConfig, namespace):
			cause = fmt.Sprintf("webhook %s has another service, namespace or path", w.Name)
		case w.ClientConfig.Service != nil && len(w.ClientConfig.CABundle) == 0:
			cause = fmt.Sprintf("webhook %s has no caBundle", w.Name)
		default:
			return ""
		}
	}
	return cause
}

func matchesNewPods(r admissionregistrationv1.RuleWithOperations) bool {
	has := func(list []string, values ...string) bool {
		return slices.ContainsFunc(values, func(value string) bool { return slices.Contains(list, value) })
	}
	return (slices.Contains(r.Operations, admissionregistrationv1.Create) || slices.Contains(r.Operations, admissionregistrationv1.OperationAll)) &&
		has(r.APIGroups, "", "*") && has(r.APIVersions, "v1", "*") && has(r.Resources, "pods", "*", "*/*")
}

// isOwn reports whether a webhook calls Pullgate. A URL may have any host.
func isOwn(c admissionregistrationv1.WebhookClientConfig, namespace string) bool {
	switch {
	case c.Service != nil:
		return c.Service.Name == certs.ServiceName && c.Service.Namespace == namespace && c.Service.Path != nil && *c.Service.Path == webhook.Path
	case c.URL != nil:
		u, err := url.Parse(*c.URL)
		return err == nil && u.Path == webhook.Path
	}
	return false
}
