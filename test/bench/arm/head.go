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

// pod is one that has been decoded, and the namespace that it is for.
type pod struct {
	corev1.Pod
	namespace string
}

// decoding decodes the pod, and passes it on.
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

// watchSecrets has all secrets in memory before the first request, so that no arm waits for the API server.
func watchSecrets(ctx context.Context, mgr ctrl.Manager) error {
	if _, err := mgr.GetCache().GetInformer(ctx, &corev1.Secret{}); err != nil {
		return fmt.Errorf("watching secrets: %w", err)
	}
	return nil
}

// header asks the registry for the head of each image's manifest.
type header struct{ secrets client.Reader }

// answer asks for all images at once, which is more than an afternoon's work usually does.
func (h header) answer(ctx context.Context, p pod) admission.Response {
	keys, err := h.keychain(ctx, p)
	if err != nil {
		return admission.Allowed("").WithWarnings(err.Error())
	}
	var all errgroup.Group
	for _, c := range p.Spec.Containers {
		all.Go(func() error { return head(ctx, c.Image, keys) })
	}
	err = all.Wait()
	var answered *transport.Error
	switch {
	case err == nil:
		return admission.Allowed("")
	case errors.As(err, &answered):
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

// keychain is a set of accounts by registry.
type keychain map[string]authn.AuthConfig

// Resolve implements authn.Keychain.
func (k keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	if c, ok := k[target.RegistryStr()]; ok {
		return authn.FromConfig(c), nil
	}
	return authn.Anonymous, nil
}

// keychain reads the pod's pull secrets, which the manager's cache holds.
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
