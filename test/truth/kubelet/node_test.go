package kubelet

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/credentialprovider/plugin"
	kubesecrets "k8s.io/kubernetes/pkg/credentialprovider/secrets"

	"github.com/pullgate/pullgate/webhook/credentials"
	nodeplugin "github.com/pullgate/pullgate/webhook/credentials/plugin"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// broken is the result if an undecodable secret makes the whole lookup fail.
const broken = "broken"

// providers configures the provider programs of both sides. Each is the shell, and prints the content of a file of
// the case.
const providers = `
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
- name: sh
  matchImages: ["*.plugin.example", "docker.io/plugged"]
  defaultCacheDuration: 0s
  apiVersion: credentialprovider.kubelet.k8s.io/v1
  args: [-c, 'cat "$OUTPUT"']
  env: [{name: OUTPUT, value: DIR/output0}]
- name: bash
  matchImages: ["a.plugin.example:5000", "b.plugin.example/team", "docker.io/plugged"]
  defaultCacheDuration: 0s
  apiVersion: credentialprovider.kubelet.k8s.io/v1
  args: [-c, 'cat "$OUTPUT"']
  env: [{name: OUTPUT, value: DIR/output1}]
`

// node is the node of both sides: a directory with its config.json and with the output of the providers.
type node struct {
	dir       string
	providers *nodeplugin.Providers
}

// newNode prepares the kubelet's code. Its providers and paths are globals of the process, so there is one node only.
func newNode(t *testing.T) *node {
	t.Helper()
	klog.SetLogger(logr.Discard())
	n := &node{dir: t.TempDir()}
	bin := filepath.Join(n.dir, "bin")
	must(t, os.Mkdir(bin, 0o700))
	for _, name := range []string{"sh", "bash"} {
		must(t, os.Symlink("/bin/sh", filepath.Join(bin, name)))
	}
	n.write(t, "providers.yaml", strings.ReplaceAll(providers, "DIR", n.dir))
	must(t, plugin.RegisterCredentialProviderPlugins(filepath.Join(n.dir, "providers.yaml"), bin, nil, nil))
	credentialprovider.SetPreferredDockercfgPath(n.dir)
	var err error
	n.providers, err = nodeplugin.New(nodeplugin.Options{
		Files: os.DirFS(n.dir), Name: "providers.yaml", BinDir: bin, Environ: os.Environ(), Log: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	t.Cleanup(n.providers.Close)
	return n
}

// put writes the files of a case.
func (n *node) put(t *testing.T, c scenario) {
	t.Helper()
	n.write(t, "config.json", c.config)
	for i, output := range c.outputs {
		n.write(t, fmt.Sprintf("output%d", i), output)
	}
}

func (n *node) write(t *testing.T, name, text string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o600))
}

// kubeletCredentials does the same as the kubelet's image manager before a pull (pkg/kubelet/images/image_manager.go,
// makeLookupPullCredentialsFunc).
func (n *node) kubeletCredentials(c scenario) []string {
	own := credentialprovider.UnionDockerKeyring{
		credentialprovider.NewDefaultDockerKeyring(),
		plugin.NewExternalCredentialProviderDockerKeyring("shop", "web", "uid", "default"),
	}
	keyring, err := kubesecrets.MakeDockerKeyring(c.objects(), own)
	if err != nil {
		return []string{broken}
	}
	found, _ := keyring.Lookup(c.repository)
	var list []string
	for _, f := range found {
		source := "node"
		if f.Source != nil {
			source = f.Source.Secret.Name
		}
		list = append(list, source+" "+f.Username+":"+f.Password)
	}
	return list
}

// pullgateCredentials returns the credentials that Pullgate finds for the case.
func (n *node) pullgateCredentials(t *testing.T, c scenario) []string {
	t.Helper()
	source, err := secrets.NewSource(secrets.Options{Client: client{c.objects()}})
	must(t, err)
	pods := credentials.Node{Source: source, Providers: n.providers}
	// An undecodable file stops Pullgate at its start. A kubelet ignores it.
	read := func() ([]byte, error) { return []byte(c.config), nil }
	if pods.DockerConfig, err = credentials.NewDockerConfigFile(read, slog.New(slog.DiscardHandler)); err != nil {
		pods.DockerConfig = nil
	}
	set := pods.FreshCredentials(t.Context(), imagepull.Pod{Namespace: "shop", PullSecrets: c.names()})
	if len(set.Invalid) > 0 {
		return []string{broken}
	}
	var list []string
	for found := range set.Lookup(t.Context(), c.repository) {
		if found.Source == "" {
			continue
		}
		source := strings.TrimPrefix(found.Source, "secret/shop/")
		if credentials.IsOfNode(found.Source) {
			source = "node"
		}
		list = append(list, source+" "+found.Username+":"+found.Password)
	}
	return list
}

// client is an API client that returns the secrets of one case.
type client struct{ list []corev1.Secret }

func (c client) Secrets(string) corev1client.SecretInterface { return secretClient{list: c.list} }

func (client) ServiceAccounts(string) corev1client.ServiceAccountInterface { return nil }

type secretClient struct {
	corev1client.SecretInterface
	list []corev1.Secret
}

func (c secretClient) Get(_ context.Context, name string, _ metav1.GetOptions) (*corev1.Secret, error) {
	for i := range c.list {
		if c.list[i].Name == name {
			return &c.list[i], nil
		}
	}
	return nil, apierrors.NewNotFound(corev1.Resource("secrets"), name)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
