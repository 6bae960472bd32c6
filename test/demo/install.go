package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/document"
)

// manifests is the installation that is shown: the one that needs nothing else.
const manifests = "manifests/self-signed"

// install applies the manifests as they are shipped, but for the webhook's address.
func (s *stage) install(ctx context.Context) error {
	var complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, s.tools.kustomize, "build", manifests)
	cmd.Stderr = &complaint
	built, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%w:\n%s", err, &complaint)
	}
	local, err := callLocally(built, s.webhookURL())
	if err != nil {
		return err
	}
	_, err = s.cluster.kubectl.must(ctx, local, "apply", "-f", "-")
	return err
}

// callLocally has the webhooks in the manifests called at the URL in place of their Service.
func callLocally(manifests []byte, url string) ([]byte, error) {
	documents, err := document.Split(manifests)
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	var changed bytes.Buffer
	for _, d := range documents {
		object, err := withURL(d.JSON, url)
		if err != nil {
			return nil, fmt.Errorf("reading the manifest at line %d: %w", d.Line, err)
		}
		changed.Write(object)
		changed.WriteByte('\n')
	}
	return changed.Bytes(), nil
}

// withURL leaves everything alone that is not a webhook configuration.
func withURL(object []byte, url string) ([]byte, error) {
	var c admissionregistrationv1.ValidatingWebhookConfiguration
	var kind metav1.TypeMeta
	if err := json.Unmarshal(object, &kind); err != nil || kind.Kind != "ValidatingWebhookConfiguration" {
		return object, err
	}
	if err := json.Unmarshal(object, &c); err != nil {
		return nil, err
	}
	for i := range c.Webhooks {
		c.Webhooks[i].ClientConfig = admissionregistrationv1.WebhookClientConfig{URL: &url}
	}
	return json.Marshal(c)
}
