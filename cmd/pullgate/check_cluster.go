package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/engine"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// clusterOptions select the cluster that a check reads, for example its pull secrets.
type clusterOptions struct {
	kubeconfig, namespace, serviceAccount string
	offline                               bool
}

func (o *clusterOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig `file`; by default found as kubectl finds it")
	flags.StringVarP(&o.namespace, "namespace", "n", "", "`namespace` of images, and of objects without a namespace")
	flags.StringVar(&o.serviceAccount, "service-account", "", "service `account` whose pull secrets are used for images on the command line")
	flags.BoolVar(&o.offline, "offline", false, "do not read a cluster; service accounts then have no pull secrets")
}

// credentials returns the source of pull secrets: the files of --pull-secret, none when offline, or the cluster.
func (o *checkOptions) credentials(targets []target) (credentials.Source, error) {
	switch {
	case len(o.pullSecrets) > 0:
		return readPullSecrets(o.pullSecrets)
	case o.cluster.offline || !needsCluster(targets):
		return offline{}, nil
	}
	config, err := restConfig(o.cluster.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("%w\npull secrets are read from a cluster: name it with --kubeconfig, or use --offline", err)
	}
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making the API client: %w", withoutUserinfo(err))
	}
	return secrets.NewSource(secrets.Options{Client: clientset.CoreV1()})
}

func needsCluster(targets []target) bool {
	for _, s := range targets {
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

// offline has no secrets. A pull secret that a pod lists may exist in its cluster, so that it counts as unreadable.
type offline struct{}

// FreshCredentials implements credentials.Source.
func (o offline) FreshCredentials(ctx context.Context, pod imagepull.Pod) credentials.Set {
	return o.Credentials(ctx, pod)
}

// Credentials implements credentials.Source.
func (offline) Credentials(_ context.Context, pod imagepull.Pod) credentials.Set {
	var set credentials.Set
	for _, name := range pod.PullSecrets {
		set.Unreadable = append(set.Unreadable, credentials.Problem{
			Subject: fmt.Sprintf("pull secret %q", name),
			Detail:  "no cluster is read; name it with --pull-secret",
		})
	}
	return set
}

// defaultNamespace returns the namespace of the flag, of the kubeconfig's context, or "default".
func (o *clusterOptions) defaultNamespace() string {
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

// clusterInfo is the state of the cluster's nodes, and the warnings about failures to read it.
type clusterInfo struct {
	engine.Cluster
	warnings []string
}

// clusterInfo reads the state of the cluster's nodes, if the command uses a cluster. A failure to list nodes is a warning only:
// many users may not list nodes.
func (o *checkOptions) clusterInfo(ctx context.Context, c config.Nodes, log *slog.Logger) (clusterInfo, error) {
	if !c.Watch || o.cluster.offline || len(o.pullSecrets) > 0 {
		return clusterInfo{}, nil
	}
	config, err := restConfig(o.cluster.kubeconfig)
	if err != nil && o.cluster.kubeconfig == "" {
		return clusterInfo{}, nil // without --kubeconfig no cluster is required
	}
	if err != nil {
		return clusterInfo{}, err
	}
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return clusterInfo{}, fmt.Errorf("making the API client: %w", withoutUserinfo(err))
	}
	cluster, err := engine.ReadCluster(ctx, clientset.CoreV1(), c, log)
	info := clusterInfo{Cluster: cluster}
	if err != nil {
		info.warnings = []string{unknownNodes(err)}
	}
	return info, nil
}

// unknownNodes returns the warning about nodes that cannot be listed. It does not hold the text of the error.
func unknownNodes(err error) string {
	cause := "the API server did not return them"
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		cause = "listing them is not allowed"
	}
	return "the nodes are not known (" + cause + "): their images are not considered, and their platforms only with --platform"
}
