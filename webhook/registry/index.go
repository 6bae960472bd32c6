package registry

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Bounds of what a verdict keeps of an index, whose author may be anybody. Real ones have a few dozen entries.
const (
	maxEntries    = 1024
	maxOSFeatures = 16
)

// index adds the platforms of an index to its verdict. A node reads the index by its digest, and begins with the first host
// again; where there is but one that would be asking twice for what is here already.
func (p *pull) index(ctx context.Context, v imagepull.Verdict, a answer) imagepull.Verdict {
	limit := p.questions[0].client.options.ManifestBytes
	if len(p.questions) > 1 || !isContent(v.Digest, a.body) {
		q, fetched, failed := p.fetch(ctx, probe{http.MethodGet, v.Digest, a.contentType + ", */*"})
		if failed.Reason != "" {
			return failed
		}
		if !isContent(v.Digest, fetched.body) && fetched.size() <= limit {
			return q.endpoint.say(unavailable("the registry's answer does not match its digest"))
		}
		a = fetched
	}
	if a.size() > limit {
		return unsupported("the index is larger than the nodes' runtime accepts")
	}
	return p.questions[0].client.runtime.withPlatforms(v, a.body)
}

// fetch asks each host until one has the manifest, even those that may not resolve or pull (containerd:
// core/remotes/docker/fetcher.go, Fetch). What that one sends is final.
func (p *pull) fetch(ctx context.Context, wanted probe) (*question, answer, imagepull.Verdict) {
	var failures []finding
	for _, q := range p.questions {
		a, failure := q.fetch(ctx, wanted)
		if failure.verdict.Reason == "" {
			return q, a, imagepull.Verdict{}
		}
		failures = append(failures, failure)
	}
	chosen := worst(failures)
	return nil, answer{}, chosen.question.endpoint.say(chosen.verdict)
}

func (q *question) fetch(ctx context.Context, p probe) (answer, finding) {
	if q.endpoint.closed.Reason != "" {
		return answer{}, finding{question: q, rank: unreached, verdict: q.endpoint.closed}
	}
	a, err := q.ask(ctx, p)
	switch {
	case err != nil:
		return answer{}, finding{question: q, rank: unreached, verdict: q.classify(ctx, err)}
	case a.status == http.StatusNotFound:
		return answer{}, finding{question: q, rank: absent, verdict: imagepull.Verdict{
			Reason: imagepull.ReasonNotFound,
			Detail: "the registry lists the tag but has lost its manifest",
			Fix:    "push the image again",
		}}
	}
	return a, finding{question: q, rank: refused, verdict: classifyAnswer(a, q.credential)}
}

func isContent(sum string, body []byte) bool {
	d := digest.Digest(sum)
	return body != nil && d.Algorithm().FromBytes(body) == d
}

func (r runtimeRules) withPlatforms(v imagepull.Verdict, body []byte) imagepull.Verdict {
	index, err := parseIndex(body)
	switch {
	case err != nil:
		return r.unusableAnswer("the index can't be decoded")
	case len(index.Manifests) > maxEntries:
		return unavailable("the index has more entries than Pullgate reads")
	}
	v.IsIndex = true
	v.Platforms = platforms(index)
	return v
}

// errNotAnIndex is what containerd says of a document that is something else by its content.
var errNotAnIndex = errors.New("not an index")

// parseIndex decodes with the types of containerd, which takes every digest for a string, and checks what it checks
// (containerd: core/images/image.go, Children and validateMediaType).
func parseIndex(body []byte) (index ocispec.Index, err error) {
	var document struct {
		MediaType types.MediaType `json:"mediaType"`
		Config    json.RawMessage `json:"config"`
		Layers    json.RawMessage `json:"layers"`
		FSLayers  json.RawMessage `json:"fsLayers"`
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return index, err
	}
	if document.Config != nil || document.Layers != nil || document.FSLayers != nil || document.MediaType.IsImage() {
		return index, errNotAnIndex
	}
	err = json.Unmarshal(body, &index)
	return index, err
}

// platforms lists what an index offers. An entry without a platform is listed as the zero Platform: a node finds out by
// reading its configuration.
func platforms(index ocispec.Index) []imagepull.Platform {
	list := make([]imagepull.Platform, 0, len(index.Manifests))
	for _, m := range index.Manifests {
		var p imagepull.Platform
		if m.Platform != nil {
			p = imagepull.Platform{
				OS:           plain(m.Platform.OS),
				Architecture: plain(m.Platform.Architecture),
				Variant:      plain(m.Platform.Variant),
				OSVersion:    plain(m.Platform.OSVersion),
				OSFeatures:   plainAll(m.Platform.OSFeatures),
			}
		}
		list = append(list, p)
	}
	return list
}

func plainAll(words []string) []string {
	var list []string
	for _, word := range words[:min(len(words), maxOSFeatures)] {
		list = append(list, plain(word))
	}
	return list
}

// plain returns a platform's word if it is one, else "unknown". Platforms appear in messages, and no platform has a name
// that says something else there.
func plain(word string) string {
	if platformWord.MatchString(word) {
		return word
	}
	return "unknown"
}

var platformWord = regexp.MustCompile(`^[A-Za-z0-9_.-]{0,32}$`)
