package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// pod is a decoded pod with its namespace.
type pod struct {
	corev1.Pod
	namespace string
}

// decoding decodes the pod and passes it to next.
type decoding struct {
	decoder admission.Decoder
	next    func(context.Context, pod) admission.Response
}

// Handle implements admission.Handler.
func (d decoding) Handle(ctx context.Context, req admission.Request) admission.Response {
	p := pod{namespace: req.Namespace}
	if err := d.decoder.Decode(req, &p.Pod); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	return d.next(ctx, p)
}

// watchSecrets fills the cache with all secrets before the first request, so that no request waits for the API
// server.
func watchSecrets(ctx context.Context, mgr ctrl.Manager) error {
	if _, err := mgr.GetCache().GetInformer(ctx, &corev1.Secret{}); err != nil {
		return fmt.Errorf("watching secrets: %w", err)
	}
	return nil
}

// header sends a HEAD request for each image's manifest.
type header struct{ secrets client.Reader }

// admit checks all images concurrently, which is more than a simple webhook usually does.
func (h header) admit(ctx context.Context, p pod) admission.Response {
	keys, err := h.keychain(ctx, p)
	if err != nil {
		return admission.Allowed("").WithWarnings(err.Error())
	}
	var all errgroup.Group
	for _, c := range p.Spec.Containers {
		all.Go(func() error { return head(ctx, c.Image, keys) })
	}
	err = all.Wait()
	var transportErr *transport.Error
	switch {
	case err == nil:
		return admission.Allowed("")
	case errors.As(err, &transportErr):
		return admission.Denied(err.Error())
	}
	return admission.Allowed("").WithWarnings(err.Error())
}

func head(ctx context.Context, image string, keys authn.Keychain) error {
	ref, err := name.ParseReference(image)
	if err != nil {
		return err
	}
	_, err = remote.Head(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(keys))
	return err
}

// keychain maps registries to accounts.
type keychain map[string]authn.AuthConfig

// Resolve implements authn.Keychain.
func (k keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	if c, ok := k[target.RegistryStr()]; ok {
		return authn.FromConfig(c), nil
	}
	return authn.Anonymous, nil
}

// keychain reads the pod's pull secrets from the manager's cache.
func (h header) keychain(ctx context.Context, p pod) (keychain, error) {
	keys := keychain{}
	for _, ref := range p.Spec.ImagePullSecrets {
		var secret corev1.Secret
		if err := h.secrets.Get(ctx, types.NamespacedName{Namespace: p.namespace, Name: ref.Name}, &secret); err != nil {
			return nil, fmt.Errorf("reading a pull secret: %w", err)
		}
		var config struct{ Auths keychain }
		if err := json.Unmarshal(secret.Data[corev1.DockerConfigJsonKey], &config); err != nil {
			return nil, fmt.Errorf("parsing a pull secret: %w", err)
		}
		for host, account := range config.Auths {
			keys[host] = account
		}
	}
	return keys, nil
}
