package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/pullgate/pullgate/certs"
)

const (
	// serviceAccount is the one that the manifests give rights to.
	serviceAccount = "pullgate"
	// nodePlatform is said of nodes that there are none of.
	nodePlatform = "linux/amd64"
	// patience is for what takes a second or two, on a machine that is busy.
	patience = 30 * time.Second
	// stopGrace is short: nobody waits for an answer when the demo ends.
	stopGrace = 3 * time.Second
	// pollInterval is short, since somebody is watching.
	pollInterval = 50 * time.Millisecond
)

// startPullgate runs the webhook outside the cluster, as the ServiceAccount that it would have inside.
func (s *stage) startPullgate(ctx context.Context) error {
	token, err := s.cluster.kubectl.must(ctx, nil, "create", "token", serviceAccount, "--namespace", certs.Namespace)
	if err != nil {
		return err
	}
	kubeconfig := filepath.Join(s.dir, "pullgate.kubeconfig")
	if err := clientcmd.WriteToFile(tokenConfig(s.cluster.connection, strings.TrimSpace(token)), kubeconfig); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	config := filepath.Join(s.dir, "config.yaml")
	if err := os.WriteFile(config, pullgateConfig(s.registryHost()), 0o600); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	health := "127.0.0.1:" + strconv.Itoa(s.healthPort)
	cmd := exec.Command(s.tools.pullgate, "serve", "--config", config, "--kubeconfig", kubeconfig,
		"--webhook-port", strconv.Itoa(s.webhookPort), "--health-probe-bind-address", health, "--metrics-bind-address", "0")
	// As in the cluster, the process knows its namespace. Its certificates go where all files of the demo are.
	cmd.Env = append(os.Environ(), "POD_NAMESPACE="+certs.Namespace, "TMPDIR="+s.dir)
	if s.pullgate, err = startProcess(cmd); err != nil {
		return err
	}
	s.onClear(func() { s.pullgate.stop(stopGrace) })
	return s.awaitReady(ctx, "http://"+health+"/readyz")
}

// webhookURL is what the API server calls. The certificate that Pullgate makes for itself is valid for localhost too.
func (s *stage) webhookURL() string {
	return fmt.Sprintf("https://localhost:%d/validate", s.webhookPort)
}

// pullgateConfig has Pullgate ask the demo's registry. A registry on localhost is each node's own otherwise, and nothing
// that can be asked from elsewhere. One that comes back is asked at once, since somebody is watching.
func pullgateConfig(registryHost string) []byte {
	return fmt.Appendf(nil, `apiVersion: pullgate.dev/v1alpha1
kind: Configuration
backoff: {initialDelay: 10ms}
egress:
  allow: [%q]
nodes:
  platforms: [%q]
`, registryHost, nodePlatform)
}

// tokenConfig is the kubeconfig of somebody with a token.
func tokenConfig(connection *rest.Config, token string) clientcmdapi.Config {
	c := clientcmdapi.NewConfig()
	c.Clusters["demo"] = &clientcmdapi.Cluster{Server: connection.Host, CertificateAuthorityData: connection.CAData}
	c.AuthInfos["demo"] = &clientcmdapi.AuthInfo{Token: token}
	c.Contexts["demo"] = &clientcmdapi.Context{Cluster: "demo", AuthInfo: "demo"}
	c.CurrentContext = "demo"
	return *c
}

// awaitReady waits until Pullgate reports that it answers.
func (s *stage) awaitReady(ctx context.Context, url string) error {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return s.await(ctx, func(ctx context.Context) (bool, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return false, s.pullgate.running()
		}
		return resp.StatusCode == http.StatusOK, resp.Body.Close()
	})
}

// awaitWebhook waits until a pod is refused: the API server takes a moment to heed a new webhook configuration.
func (s *stage) awaitWebhook(ctx context.Context) error {
	image := s.registryHost() + "/shop/web:never-pushed"
	return s.await(ctx, func(ctx context.Context) (bool, error) {
		o, err := s.cluster.kubectl.run(ctx, nil, "run", "probe", "--namespace", enforceNamespace, "--image", image, "--dry-run=server")
		if err != nil {
			return false, err
		}
		return readAnswer(o).effect == denied, s.pullgate.running()
	})
}

// await polls until the condition holds, or Pullgate has ended.
func (s *stage) await(ctx context.Context, condition wait.ConditionWithContextFunc) error {
	err := wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, condition)
	if err != nil {
		return fmt.Errorf("waiting: %w; Pullgate's last words:\n%s", err, s.pullgate.log)
	}
	return nil
}
