package preflight_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// nodeFile is the nodes' config.json, readable once or for ever.
type nodeFile struct {
	text string
	once bool
	read bool
}

func (f *nodeFile) open() ([]byte, error) {
	if f.once && f.read {
		return nil, errors.New("gone")
	}
	f.read = true
	return []byte(f.text), nil
}

func onNode(t *testing.T, pods credentials.Source, file *nodeFile) credentials.Node {
	t.Helper()
	config, err := credentials.NewDockerConfigFile(file.open, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("NewDockerConfigFile() error = %v, want none", err)
	}
	return credentials.Node{Source: pods, DockerConfig: config}
}

// TestNodeCredentials: what the nodes hold is tried after what the pod brings along, and its refusal is as certain.
func TestNodeCredentials(t *testing.T) {
	t.Parallel()
	const file = `{"auths": {"registry.example": {"username": "node", "password": "x"}}}`
	const node = "node/config.json"
	refusedFor := func(source, detail, fix string) imagepull.Verdict {
		return imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: detail, Fix: fix, Credential: source}
	}
	type bySource = map[string]imagepull.Verdict
	tests := map[string]struct {
		keys    []string
		answers bySource
		want    imagepull.Verdict
		asked   []string
	}{
		"the node's works":       {nil, bySource{node: works}, from(node, works), []string{image + " " + node}},
		"the pod's works":        {[]string{"a"}, bySource{"file/a": works}, from("file/a", works), []string{image + " file/a"}},
		"the node's comes next":  {[]string{"a"}, bySource{"file/a": refused, node: works}, from(node, works), []string{image + " file/a", image + " " + node}},
		"the node's is refused":  {nil, bySource{node: refused}, refusedFor(node, "refused", imagepull.ReasonAccessDenied.Fix()), []string{image + " " + node}},
		"the node finds nothing": {nil, bySource{node: absent}, from(node, absent), []string{image + " " + node}},
		"both are refused": {
			[]string{"a"}, bySource{"file/a": refused, node: refused},
			refusedFor("file/a", "the credentials from file/a, node/config.json are refused", "renew it"),
			[]string{image + " file/a", image + " " + node},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver := &registry{script: answers(test.answers)}
			got := check(t, preflight.Options{
				Resolver:    resolver,
				Credentials: onNode(t, &secrets{set: keys(t, host, test.keys...)}, &nodeFile{text: file}),
			}, image)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.asked, resolver.questions()); diff != "" {
				t.Errorf("questions (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnknownNodeCredentials: where nodes hold more than Pullgate could get, a refusal is no certainty. What the registry
// says of the image itself is one, and so is that it can be pulled.
func TestUnknownNodeCredentials(t *testing.T) {
	t.Parallel()
	doubt := imagepull.Verdict{
		Reason: imagepull.ReasonNodeCredentials,
		Detail: "the nodes may have a credential that Pullgate could not get: the nodes' config.json: it cannot be read",
	}
	for name, test := range map[string]struct {
		keys         []string
		answer, want imagepull.Verdict
	}{
		"refused":                       {nil, private, doubt},
		"refused with a secret":         {[]string{"a"}, refused, doubt},
		"not found, which may be a lie": {nil, absent, doubt},
		"not usable":                    {nil, schema1, schema1},
		"no answer":                     {nil, unavailable, unavailable},
		"works":                         {nil, works, works},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(t, preflight.Options{
				Resolver: resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
					return test.answer
				}),
				Credentials: onNode(t, &secrets{set: keys(t, host, test.keys...)}, &nodeFile{text: "{}", once: true}),
			}, image)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}
