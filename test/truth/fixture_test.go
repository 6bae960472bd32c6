package truth_test

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pullgate/pullgate/test/truth"
)

// build builds the fixture of one scenario, with a client that has Pullgate's view.
func build(t *testing.T, text string) (*truth.Fixture, *http.Client) {
	t.Helper()
	all, err := truth.Load(fstest.MapFS{"folder/case.yaml": {Data: []byte("title: t\nexpect: NotFound\n" + text)}})
	if err != nil {
		t.Fatal(err)
	}
	site := truth.NewLocal(all[0])
	t.Cleanup(site.Close)
	fixture, err := truth.Build(all[0], site, []byte("program"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fixture.Close)
	fixture.Reset()
	transport := &http.Transport{
		DialContext:     site.DialContext,
		TLSClientConfig: &tls.Config{RootCAs: fixture.CA.Pool(), MinVersion: tls.VersionTLS12},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return fixture, &http.Client{Transport: transport}
}

func get(t *testing.T, client *http.Client, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

func TestViews(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		registries string
		status     int
	}{
		"both":           {`{name: a.example, holds: [{image: "web:1"}]}`, 200},
		"the node only":  {`{name: a.example, seenBy: node, holds: [{image: "web:1"}]}`, 0},
		"Pullgate only":  {`{name: a.example, seenBy: pullgate, holds: [{image: "web:1"}]}`, 200},
		"two registries": {`{name: a.example, seenBy: node, holds: [{image: "web:1"}]}, {name: a.example, seenBy: pullgate}`, 404},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, client := build(t, "image: a.example/web:1\nregistries: ["+tt.registries+"]\n")
			if got, body := get(t, client, "https://a.example/v2/web/manifests/1"); got != tt.status {
				t.Errorf("got status %d and %q, want %d", got, body, tt.status)
			}
		})
	}
}

func TestFaultsOfDigestsAndEmbeddedContent(t *testing.T) {
	t.Parallel()
	_, client := build(t, `image: a.example/web:1
registries:
- name: a.example
  holds:
  - {image: "web:child"}
  - {manifest: "web:1", mediaType: text/plain, body: "DIGEST(a.example/web:child) DATA(a.example/web:child)"}
  faults: [{path: "/v2/web/manifests/DIGEST(a.example/web:child)", status: 418}]
`)
	_, child := get(t, client, "https://a.example/v2/web/manifests/child")
	_, body := get(t, client, "https://a.example/v2/web/manifests/1")
	digest, data, _ := strings.Cut(body, " ")
	if want := base64.StdEncoding.EncodeToString([]byte(child)); data != want {
		t.Errorf("got data %q, want %q", data, want)
	}
	if got, _ := get(t, client, "https://a.example/v2/web/manifests/"+digest); got != http.StatusTeapot {
		t.Errorf("got status %d for the digest, want the fault's", got)
	}
}

func TestSecretsComeLater(t *testing.T) {
	t.Parallel()
	fixture, _ := build(t, "image: a.example/web:1\nsecrets: {now: {auths: {}}, later: {later: true, auths: {}}}\n")
	if got := fixture.Secrets("ns"); len(got) != 1 || got[0].Name != "now" {
		t.Errorf("got secrets %v, want now", got)
	}
	if got := fixture.LaterSecrets("ns"); len(got) != 1 || got[0].Name != "later" {
		t.Errorf("got later secrets %v, want later", got)
	}
}

func TestOtherNodes(t *testing.T) {
	t.Parallel()
	fixture, _ := build(t, `image: a.example/web:1
nodes:
- {name: large, platform: linux/arm64}
- {name: small, platform: linux/arm64, allocatable: {cpu: 100m, example.com/gpu: 2}, taints: [{key: k, effect: NoExecute}]}
`)
	nodes, err := fixture.OtherNodes()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, node := range nodes {
		a := node.Status.Allocatable
		got = append(got, fmt.Sprintf("%s cpu=%s gpu=%s pods=%s taints=%d",
			node.Name, a.Cpu(), a.Name("example.com/gpu", "0"), a.Pods(), len(node.Spec.Taints)))
	}
	const want = "large cpu=64 gpu=0 pods=0 taints=1, small cpu=100m gpu=2 pods=0 taints=2"
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

func TestEarlierChecksAndClosedAccounts(t *testing.T) {
	t.Parallel()
	fixture, client := build(t, `image: a.example/web:1
registries:
- {name: a.example, auth: basic, accounts: {reader: right}, closes: [reader], holds: [{image: "web:1"}]}
earlier:
- containers: [{name: app, image: "a.example/web@DIGEST(a.example/web:1)"}]
`)
	pods, err := fixture.Earlier("ns")
	if err != nil {
		t.Fatal(err)
	}
	if len(pods) != 1 || pods[0].Name != "earlier-0" || !strings.Contains(pods[0].Spec.Containers[0].Image, "@sha256:") {
		t.Errorf("got earlier pods %v", pods)
	}
	const url = "https://reader:right@a.example/v2/web/manifests/1"
	before, _ := get(t, client, url)
	fixture.CloseAccounts()
	if after, _ := get(t, client, url); before != 200 || after != 401 {
		t.Errorf("got status %d before and %d after the account was closed, want 200 and 401", before, after)
	}
}
