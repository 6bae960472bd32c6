//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// providers is a kubelet's configuration with one provider, whose program is the shell.
const providers = `
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
- name: sh
  matchImages: ["HOST"]
  defaultCacheDuration: 1m
  apiVersion: credentialprovider.kubelet.k8s.io/v1
  args: [-c, 'SCRIPT']
  env: [{name: ANSWER, value: '{"kind": "CredentialProviderResponse", "apiVersion": "credentialprovider.kubelet.k8s.io/v1", "cacheKeyType": "Image", "auth": {"HOST": {"username": "ci", "password": "hunter2"}}}'}]
`

// TestCheckWithNodeCredentials asks for a private image that only the nodes may pull.
func TestCheckWithNodeCredentials(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	if err := os.Mkdir(filepath.Join(s.dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/bin/sh", filepath.Join(s.dir, "bin", "sh")); err != nil {
		t.Fatal(err)
	}
	s.write(t, "broken.json", "auths")
	s.write(t, "good.yaml", strings.Replace(providers, "SCRIPT", `echo "$ANSWER"`, 1))
	s.write(t, "failing.yaml", strings.Replace(providers, "SCRIPT", "echo $ANSWER >&2; exit 7", 1))
	s.write(t, "typo.yaml", strings.Replace(providers, "matchImages", "matchImage", 1))
	const private = "HOST/shop/private:1"
	for name, test := range map[string]struct {
		nodes, image     string
		secret           string
		status           int
		wantOut, wantErr string
	}{
		"none":                         {"{}", private, "", 1, "AccessDenied", ""},
		"their config.json":            {"{dockerConfig: DIR/regcred.json}", private, "", 0, "Pullable", ""},
		"it comes after the pod's":     {"{dockerConfig: DIR/regcred.json}", private, "DIR/wrong.json", 0, "Pullable", ""},
		"it is refused":                {"{dockerConfig: DIR/wrong.json}", private, "", 1, "node/config.json is refused\n    fix: list a pull secret that gives access in imagePullSecrets", ""},
		"it is not there":              {"{dockerConfig: DIR/nope.json}", private, "", 2, "", "error: nodes.dockerConfig: reading the nodes' config.json: open DIR/nope.json: no such file or directory\n"},
		"it is broken":                 {"{dockerConfig: DIR/broken.json}", private, "", 2, "", "error: nodes.dockerConfig: decoding the nodes' config.json: it is not JSON\n"},
		"a provider":                   {"{credentialProvider: {config: DIR/good.yaml, binDir: DIR/bin}}", private, "", 0, "Pullable", ""},
		"it fails":                     {"{credentialProvider: {config: DIR/failing.yaml, binDir: DIR/bin}}", private, "", 0, "NodeCredentials", "it ended with status 7"},
		"it fails, nobody needs it":    {"{credentialProvider: {config: DIR/failing.yaml, binDir: DIR/bin}}", private, "DIR/regcred.json", 0, "Pullable", ""},
		"its program is not there":     {"{credentialProvider: {config: DIR/good.yaml, binDir: DIR}}", private, "", 2, "", `error: nodes.credentialProvider: providers[0].name: the provider directory has no executable of this name: "sh"`},
		"its file is not there":        {"{credentialProvider: {config: DIR/nope.yaml, binDir: DIR/bin}}", private, "", 2, "", "error: nodes.credentialProvider: reading: "},
		"a mistake in it":              {"{credentialProvider: {config: DIR/typo.yaml, binDir: DIR/bin}}", private, "", 2, "", "error: nodes.credentialProvider: typo.yaml: providers[0].matchImage: Forbidden: unknown or repeated key\n"},
		"its program is named nowhere": {"{credentialProvider: {config: DIR/good.yaml}}", private, "", 2, "", "nodes.credentialProvider.binDir: Required value: goes with config"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := strings.ReplaceAll(name, " ", "-") + ".conf"
			s.write(t, file, "apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\negress: {allow: [HOST]}\nnodes: "+test.nodes+"\n")
			args := []string{test.image, "--config", "DIR/" + file}
			if test.secret != "" {
				args = append(args, "--pull-secret", test.secret)
			}
			status, stdout, stderr := s.check(t, "", args...)
			if status != test.status || !strings.Contains(stdout, test.wantOut) || !strings.Contains(stderr, s.fill(test.wantErr)) {
				t.Errorf("status %d, stdout:\n%s\nstderr:\n%s\nwant %d, %q and %q", status, stdout, stderr, test.status, test.wantOut, s.fill(test.wantErr))
			}
			if strings.Contains(stdout+stderr, "hunter") {
				t.Errorf("a password is shown:\n%s\n%s", stdout, stderr)
			}
		})
	}
}
