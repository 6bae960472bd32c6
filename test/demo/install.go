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

// manifests is the overlay of the demo. It needs nothing but the API server.
const manifests = "manifests/self-signed"

// install applies the manifests as they are shipped, except for the webhook's address.
func (d *demo) install(ctx context.Context) error {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, d.programs.kustomize, "build", manifests)
	cmd.Stderr = &stderr
	built, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%w:\n%s", err, &stderr)
	}
	local, err := setURL(built, d.webhookURL())
	if err != nil {
		return err
	}
	_, err = d.cluster.kubectl.must(ctx, local, "apply", "-f", "-")
	return err
}

// setURL replaces the Service of the webhooks in the manifests by a URL.
func setURL(manifests []byte, url string) ([]byte, error) {
	documents, err := document.Split(manifests)
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	var changed bytes.Buffer
	for _, doc := range documents {
		object, err := withURL(doc.JSON, url)
		if err != nil {
			return nil, fmt.Errorf("reading the manifest at line %d: %w", doc.Line, err)
		}
		changed.Write(object)
		changed.WriteByte('\n')
	}
	return changed.Bytes(), nil
}

// withURL returns a webhook configuration with the URL. It returns any other object unchanged.
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
