package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/test/process"
)

const (
	// serviceAccount is the account that the manifests give rights to.
	serviceAccount = "pullgate"
	// nodePlatform is the declared platform of the nodes, because the demo has none.
	nodePlatform = "linux/amd64"
	// readyTimeout is long enough for a busy machine.
	readyTimeout = 30 * time.Second
	// stopGrace is short: no client waits for a response when the demo ends.
	stopGrace = 3 * time.Second
)

// startPullgate runs the webhook outside the cluster, with the ServiceAccount that it has inside.
func (d *demo) startPullgate(ctx context.Context) error {
	token, err := d.cluster.kubectl.must(ctx, nil, "create", "token", serviceAccount, "--namespace", certs.Namespace)
	if err != nil {
		return err
	}
	kubeconfig := filepath.Join(d.dir, "pullgate.kubeconfig")
	if err := clientcmd.WriteToFile(tokenConfig(d.cluster.admin, strings.TrimSpace(token)), kubeconfig); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	config := filepath.Join(d.dir, "config.yaml")
	if err := os.WriteFile(config, pullgateConfig(d.registryHost()), 0o600); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	health := "127.0.0.1:" + strconv.Itoa(d.healthPort)
	cmd := exec.Command(d.programs.pullgate, "serve", "--shutdown-delay", "0s", "--config", config, "--kubeconfig", kubeconfig,
		"--webhook-port", strconv.Itoa(d.webhookPort), "--health-probe-bind-address", health, "--metrics-bind-address", "0")
	// The Deployment sets the namespace too. The certificates are written to the directory of the demo.
	cmd.Env = append(os.Environ(), "POD_NAMESPACE="+certs.Namespace, "TMPDIR="+d.dir)
	// An interrupt from the terminal must not reach Pullgate: the demo stops its processes in order.
	if d.pullgate, err = process.Start(cmd, process.Options{OwnGroup: true}); err != nil {
		return err
	}
	d.onCleanUp(func() { d.pullgate.Stop(stopGrace) })
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return d.pullgate.AwaitReady(ctx, "http://"+health+"/readyz")
}

// webhookURL returns the URL for the API server. Pullgate's self-signed certificate is valid for localhost too.
func (d *demo) webhookURL() string {
	return fmt.Sprintf("https://localhost:%d/validate", d.webhookPort)
}

// pullgateConfig returns Pullgate's configuration. By default a registry on localhost is a different one on every node, and
// cannot be checked from elsewhere. The backoff is short, so that the end of an outage is visible without a wait.
func pullgateConfig(registryHost string) []byte {
	return fmt.Appendf(nil, `apiVersion: pullgate.dev/v1alpha1
kind: Configuration
backoff: {initialDelay: 10ms}
egress:
  allow: [%q]
nodes:
  platforms: [%q]
`, strings.Replace(registryHost, "localhost", "127.0.0.1", 1), nodePlatform)
}

// tokenConfig returns a kubeconfig with the token.
func tokenConfig(connection *rest.Config, token string) clientcmdapi.Config {
	c := clientcmdapi.NewConfig()
	c.Clusters["demo"] = &clientcmdapi.Cluster{Server: connection.Host, CertificateAuthorityData: connection.CAData}
	c.AuthInfos["demo"] = &clientcmdapi.AuthInfo{Token: token}
	c.Contexts["demo"] = &clientcmdapi.Context{Cluster: "demo", AuthInfo: "demo"}
	c.CurrentContext = "demo"
	return *c
}

// awaitWebhook waits until a pod is denied: the API server needs a moment to use a new webhook configuration.
func (d *demo) awaitWebhook(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	image := d.registryHost() + "/shop/web:never-pushed"
	return d.pullgate.Await(ctx, func(ctx context.Context) (bool, error) {
		o, err := d.cluster.kubectl.run(ctx, nil, "run", "probe", "--namespace", enforceNamespace, "--image", image, "--dry-run=server")
		return err == nil && parseDecision(o).effect == denied, err
	})
}
