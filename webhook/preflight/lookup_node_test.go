package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

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
