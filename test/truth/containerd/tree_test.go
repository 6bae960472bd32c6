package containerd_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
)

// tree is a random certs.d tree and the namespace to look up in it.
type tree struct {
	namespace string
	files     map[string]string
}

// String leaves out the content of certificates.
func (tr tree) String() string {
	files := map[string]string{}
	for name, content := range tr.files {
		if head, _, ok := strings.Cut(content, "-----\n"); ok {
			content = head
		}
		files[name] = content
	}
	return fmt.Sprintf("namespace: %q, files: %q", tr.namespace, files)
}

// material is the content of certificate and key files.
type material struct{ authority, certificate, key string }

func newMaterial(t *testing.T) material {
	t.Helper()
	ca, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("making a CA: %v", err)
	}
	certificate, key, err := ca.CertificatePEM("node")
	if err != nil {
		t.Fatalf("making a certificate: %v", err)
	}
	return material{authority: string(ca.PEM()), certificate: string(certificate), key: string(key)}
}

// writer generates random parts of a tree. Invalid parts are rare, because one of them makes the whole file invalid.
type writer struct {
	*rand.Rand
	material material
}

func newTree(seed uint64, m material) tree {
	w := writer{rand.New(rand.NewPCG(seed, 1)), m}
	tr := tree{namespace: w.of("docker.io", "quay.io", "r.example:5000", "localhost:5000", "localhost", "localhost:80", "127.0.0.1:443", "[::1]:5000", "[::1]"), files: map[string]string{}}
	under := strings.ReplaceAll(tr.namespace, ":", "_") + "_"
	for range 1 + w.IntN(2) {
		dir := w.of(tr.namespace, tr.namespace, under, "_default", "other.example")
		if w.one(6) {
			dir = tr.namespace
		}
		w.fill(tr.files, dir)
	}
	return tr
}

func (w writer) of(choices ...string) string { return choices[w.IntN(len(choices))] }

// one returns true with a probability of 1/in.
func (w writer) one(in int) bool { return w.IntN(in) == 0 }

func (w writer) fill(files map[string]string, dir string) {
	if !w.one(5) {
		files[path.Join(dir, "hosts.toml")] = w.document()
	}
	files[path.Join(dir, "ca.pem")] = w.rarely("", w.material.authority)
	files[path.Join(dir, "client.pem")] = w.rarely(w.material.certificate, w.material.certificate+w.material.key)
	files[path.Join(dir, "client.key")] = w.material.key
	for _, name := range []string{"a.crt", "b.crt", "a.cert", "a.key", "b.cert", "x.key", "note.txt"} {
		if w.one(12) {
			files[path.Join(dir, name)] = w.dockerStyle(name)
		}
	}
}

func (w writer) rarely(odd, usual string) string {
	if w.one(25) {
		return odd
	}
	return usual
}

func (w writer) dockerStyle(name string) string {
	switch path.Ext(name) {
	case ".crt":
		return w.rarely("not a certificate", w.material.authority)
	case ".cert":
		return w.material.certificate + w.rarely("", w.material.key)
	}
	return w.material.key
}

func (w writer) document() string {
	var b strings.Builder
	if w.one(2) {
		fmt.Fprintf(&b, "%s = %s\n", w.rarely("Server", "server"), w.server())
	}
	b.WriteString(w.keys())
	if w.one(30) {
		b.WriteString(w.of("[header]\nX-Root = \"1\"\n", "host = {}\n", "[host]\n", "unknown = 1\n", "server = \"twice\"\n", "[", "\xff"))
	}
	var tables []string
	for range w.IntN(4) {
		table := w.rarely("HOST", "host") + "." + w.server()
		tables = append(tables, table)
		if w.one(20) {
			fmt.Fprintf(&b, "%s.capabilities = [\"pull\"]\n", table)
			continue
		}
		fmt.Fprintf(&b, "[%s]\n%s", table, w.keys())
		if w.one(4) {
			again := tables[w.IntN(len(tables))]
			fmt.Fprintf(&b, "[%s.%s]\n%s = %s\n", again, w.rarely("Header", "header"), w.of("X-A", "x-b", "Authorization", "User-Agent"), w.headerValue())
		}
	}
	return b.String()
}

func (w writer) server() string {
	return "\"" + w.of(
		"https://mirror.example", "http://mirror.example", "http://mirror.example:80", "mirror.example:5000", "http://10.0.0.1:5000",
		"https://mirror.example/", "https://mirror.example/v2", "https://mirror.example/v2/", "https://mirror.example/a/../b",
		"https://mirror.example/a/v2/b", "https://mirror.example:5000/root", "httpd.example", "http:///nowhere", "ftp.example",
		"ftp://mirror.example", "https://Mirror.Example", "https://user@mirror.example", "http://localhost:5000",
		"https://registry-1.docker.io", "http://[::1]:5000", "https://mirror.example/a?b=c", w.rarely("https://%zz", ""), w.rarely("http.example:5000", "http"),
	) + "\""
}

func (w writer) headerValue() string {
	return w.of(`"a"`, `["a", "b"]`, `[]`, `"a"`, w.rarely("1", `"a"`))
}

// keys generates the keys that are allowed at the root and in each host's table.
func (w writer) keys() string {
	var b strings.Builder
	w.maybe(&b, 2, "capabilities", w.of(`["pull"]`, `["pull", "resolve"]`, `["Pull", "RESOLVE", "push", "referrers"]`, `[]`, w.rarely(`["all"]`, `["resolve"]`), w.rarely(`"pull"`, `["pull"]`)))
	w.maybe(&b, 5, "ca", w.of(`"ca.pem"`, `["ca.pem"]`, `["ca.pem", "ca.pem"]`, `[]`, w.rarely(`"absent.pem"`, `"ca.pem"`), w.rarely(`1`, `"ca.pem"`), w.rarely(`["ca.pem", 1]`, `[]`)))
	w.maybe(&b, 6, "client", w.of(`"client.pem"`, `["client.pem"]`, `[["client.pem", "client.key"]]`, `["client.pem", ["client.pem", "client.key"]]`, `[]`, w.rarely(`[["client.pem"]]`, `[]`), w.rarely(`[["client.pem", "client.key", "ca.pem"]]`, `[]`), w.rarely(`{a = "b"}`, `[]`), w.rarely(`[1]`, `[]`)))
	w.maybe(&b, 5, "skip_verify", w.of("true", "false", w.rarely(`"yes"`, "true")))
	w.maybe(&b, 5, "override_path", w.of("true", "false"))
	w.maybe(&b, 8, "dial_timeout", w.of(`"1s"`, `"0s"`, `""`, w.rarely(`"soon"`, `"-1s"`)))
	w.maybe(&b, 8, "header", w.of(`{X-Inline = "a"}`, `{}`, `{a = ["b"]}`, w.rarely(`{a = {b = "c"}}`, `{}`)))
	return b.String()
}

func (w writer) maybe(b *strings.Builder, in int, key, value string) {
	if w.one(in) {
		fmt.Fprintf(b, "%s = %s\n", w.rarely(strings.ToUpper(key), key), value)
	}
}
