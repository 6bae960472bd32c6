package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/policy"
)

// The namespaces of the pods, one for each mode that the caller notices.
const (
	enforceNamespace = "shop"
	warnNamespace    = "lab"
)

// modeOf returns the mode of a namespace.
func modeOf(namespace string) policy.Mode {
	if namespace == enforceNamespace {
		return policy.ModeEnforce
	}
	return policy.ModeWarn
}

// The pull secrets that the pods name.
const (
	rightSecret = "regcred"
	wrongSecret = "regcred-outdated"
)

// prepareNamespaces creates the namespaces and the pull secrets. kubectl reads them from standard input, because every user
// of the machine can read a command line.
func (d *demo) prepareNamespaces(ctx context.Context) error {
	outdated := registry.Account{Username: d.account.Username, Password: "not " + d.account.Password}
	var stdin bytes.Buffer
	encoder := json.NewEncoder(&stdin)
	for _, object := range []any{
		newNamespace(enforceNamespace),
		newNamespace(warnNamespace),
		newPullSecret(rightSecret, d.registryHost(), d.account),
		newPullSecret(wrongSecret, d.registryHost(), outdated),
	} {
		if err := encoder.Encode(object); err != nil {
			return fmt.Errorf("writing objects: %w", err)
		}
	}
	_, err := d.cluster.kubectl.must(ctx, stdin.Bytes(), "apply", "-f", "-")
	return err
}

func newNamespace(name string) corev1.Namespace {
	return corev1.Namespace{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{policy.LabelMode: string(modeOf(name))}},
	}
}

// newPullSecret returns a secret as `kubectl create secret docker-registry` creates it.
func newPullSecret(name, host string, account registry.Account) corev1.Secret {
	config := fmt.Sprintf(`{"auths":{%q:{"username":%q,"password":%q}}}`, host, account.Username, account.Password)
	return corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: enforceNamespace},
		Type:       corev1.SecretTypeDockerConfigJson,
		Data:       map[string][]byte{corev1.DockerConfigJsonKey: []byte(config)},
	}
}
