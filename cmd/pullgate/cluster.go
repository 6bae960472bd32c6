package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"k8s.io/client-go/kubernetes"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// clusterOptions say which cluster a check takes its pull secrets from.
type clusterOptions struct {
	kubeconfig, namespace, serviceAccount string
	offline                               bool
}

func (o *clusterOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig `file`; found as kubectl does without it")
	flags.StringVarP(&o.namespace, "namespace", "n", "", "`namespace` of images, and of objects that name none")
	flags.StringVar(&o.serviceAccount, "service-account", "", "service `account` whose pull secrets serve images named by themselves")
	flags.BoolVar(&o.offline, "offline", false, "ask no API server; service accounts then count as having no pull secrets")
}

// credentials chooses where pull secrets come from: files, nowhere, or the cluster.
func (o *checkOptions) credentials(subjects []subject) (preflight.Credentials, error) {
	switch {
	case len(o.pullSecrets) > 0:
		return readPullSecrets(o.pullSecrets)
	case o.cluster.offline || !needsCluster(subjects):
		return offline{}, nil
	}
	config, err := restConfig(o.cluster.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("%w\npull secrets are read from a cluster: name it with --kubeconfig, or use --offline", err)
	}
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making the API client: %w", err)
	}
	return secrets.NewSource(secrets.Options{Client: clientset.CoreV1()})
}

func needsCluster(subjects []subject) bool {
	for _, s := range subjects {
		if len(s.pod.PullSecrets) > 0 || s.pod.ServiceAccount != "" {
			return true
		}
	}
	return false
}

func readPullSecrets(names []string) (secrets.Files, error) {
	var files secrets.Files
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading pull secrets: %w", err)
		}
		file, err := secrets.ParseFile(data, name)
		if err != nil {
			return nil, fmt.Errorf("pull secrets in %s: %w", name, err)
		}
		files = append(files, file)
	}
	return files, nil
}

// offline knows no secret. Those that a pod lists exist somewhere, which is a doubt.
type offline struct{}

// Credentials implements preflight.Credentials.
func (offline) Credentials(_ context.Context, pod imagepull.Pod) credentials.Set {
	var set credentials.Set
	for _, name := range pod.PullSecrets {
		set.Unreadable = append(set.Unreadable, credentials.Problem{
			Subject: fmt.Sprintf("pull secret %q", name),
			Detail:  "no cluster is asked; give it with --pull-secret",
		})
	}
	return set
}

// FreshCredentials implements preflight.Credentials.
func (o offline) FreshCredentials(ctx context.Context, pod imagepull.Pod) credentials.Set {
	return o.Credentials(ctx, pod)
}

// namespaceOr is that of the flag, of the kubeconfig's context, or "default".
func (o *clusterOptions) namespaceOr() string {
	if o.namespace != "" {
		return o.namespace
	}
	if o.offline {
		return "default"
	}
	if namespace, _, err := clientConfig(o.kubeconfig).Namespace(); err == nil && namespace != "" {
		return namespace
	}
	return "default"
}
