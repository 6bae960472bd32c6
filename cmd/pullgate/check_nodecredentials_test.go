//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// providers is a kubelet's configuration with one plugin, whose program is the shell.
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

func TestCheckUsesTheNodesCredentials(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if err := os.Mkdir(filepath.Join(f.dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/bin/sh", filepath.Join(f.dir, "bin", "sh")); err != nil {
		t.Fatal(err)
	}
	f.write(t, "broken.json", "auths")
	f.write(t, "good.yaml", strings.Replace(providers, "SCRIPT", `echo "$ANSWER"`, 1))
	f.write(t, "failing.yaml", strings.Replace(providers, "SCRIPT", "echo $ANSWER >&2; exit 7", 1))
	f.write(t, "typo.yaml", strings.Replace(providers, "matchImages", "matchImage", 1))
	const private = "HOST/shop/private:1"
	for name, test := range map[string]struct {
		nodes, image     string
		secret           string
		status           int
		wantOut, wantErr string
	}{
		"no credentials":                          {"{}", private, "", 1, "AccessDenied", ""},
		"config.json":                             {"{dockerConfig: DIR/regcred.json}", private, "", 0, "Pullable", ""},
		"config.json after a wrong pull secret":   {"{dockerConfig: DIR/regcred.json}", private, "DIR/wrong.json", 0, "Pullable", ""},
		"config.json with a wrong password":       {"{dockerConfig: DIR/wrong.json}", private, "", 1, "node/config.json is refused\n    fix: list a pull secret that gives access in imagePullSecrets", ""},
		"missing config.json":                     {"{dockerConfig: DIR/nope.json}", private, "", 2, "", "error: nodes.dockerConfig: reading the nodes' config.json: open DIR/nope.json: no such file or directory\n"},
		"invalid config.json":                     {"{dockerConfig: DIR/broken.json}", private, "", 2, "", "error: nodes.dockerConfig: decoding the nodes' config.json: it is not JSON\n"},
		"plugin":                                  {"{credentialProvider: {config: DIR/good.yaml, binDir: DIR/bin}}", private, "", 0, "Pullable", ""},
		"failing plugin":                          {"{credentialProvider: {config: DIR/failing.yaml, binDir: DIR/bin}}", private, "", 0, "NodeCredentials", "it ended with status 7"},
		"failing plugin and a right pull secret":  {"{credentialProvider: {config: DIR/failing.yaml, binDir: DIR/bin}}", private, "DIR/regcred.json", 0, "Pullable", ""},
		"missing program of the plugin":           {"{credentialProvider: {config: DIR/good.yaml, binDir: DIR}}", private, "", 2, "", `error: nodes.credentialProvider: providers[0].name: the provider directory has no executable of this name: "sh"`},
		"missing plugin configuration":            {"{credentialProvider: {config: DIR/nope.yaml, binDir: DIR/bin}}", private, "", 2, "", "error: nodes.credentialProvider: reading: "},
		"unknown key in the plugin configuration": {"{credentialProvider: {config: DIR/typo.yaml, binDir: DIR/bin}}", private, "", 2, "", "error: nodes.credentialProvider: typo.yaml: providers[0].matchImage: Forbidden: unknown or repeated key\n"},
		"missing directory of the programs":       {"{credentialProvider: {config: DIR/good.yaml}}", private, "", 2, "", "nodes.credentialProvider.binDir: Required value: must be set together with config"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := strings.ReplaceAll(name, " ", "-") + ".conf"
			f.write(t, file, "apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\negress: {allow: [HOST]}\nnodes: "+test.nodes+"\n")
			args := []string{test.image, "--config", "DIR/" + file}
			if test.secret != "" {
				args = append(args, "--pull-secret", test.secret)
			}
			status, stdout, stderr := f.check(t, "", args...)
			if status != test.status || !strings.Contains(stdout, test.wantOut) || !strings.Contains(stderr, f.fill(test.wantErr)) {
				t.Errorf("status %d, stdout:\n%s\nstderr:\n%s\nwant %d, %q and %q", status, stdout, stderr, test.status, test.wantOut, f.fill(test.wantErr))
			}
			if strings.Contains(stdout+stderr, "hunter") {
				t.Errorf("the output contains a password:\n%s\n%s", stdout, stderr)
			}
		})
	}
}
