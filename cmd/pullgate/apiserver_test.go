package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"
)

func TestKubeconfigErrorsHaveNoPassword(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cluster string
		want    string
	}{
		"a server with an invalid port":   {`{server: "https://alice:hunter2@k8s.example:port"}`, errKubeconfig.Error()},
		"a server without a scheme":       {`{server: "alice:hunter2@k8s.example:port"}`, errKubeconfig.Error()},
		"a server with a space":           {`{server: "https://alice:hunter2 @k8s.example:port"}`, errKubeconfig.Error()},
		"a proxy with an invalid port":    {`{server: "https://k8s.example", proxy-url: "http://alice:hunter2@proxy.example:port"}`, errKubeconfig.Error()},
		"a proxy with an unknown scheme":  {`{server: "https://k8s.example", proxy-url: "ftp://alice:hunter2@proxy.example"}`, errKubeconfig.Error()},
		"a certificate that is not there": {`{server: "https://k8s.example", certificate-authority: /no/ca.crt}`, "/no/ca.crt"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "kubeconfig")
			text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: one, cluster: %s}]
contexts: [{name: admin@one, context: {cluster: one, user: admin}}]
users: [{name: admin, user: {token: x}}]
current-context: admin@one
`, test.cluster)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			config, err := restConfig(file)
			if err == nil {
				_, err = kubernetes.NewForConfig(config)
				if err != nil {
					err = withoutUserinfo(err)
				}
			}
			if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}
