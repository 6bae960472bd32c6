package registry

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// acceptManifests is containerd's: schema 1 is not in it (core/remotes/docker/resolver.go, NewResolver).
var acceptManifests = strings.Join([]string{
	string(types.DockerManifestSchema2), string(types.DockerManifestList),
	string(types.OCIManifestSchema1), string(types.OCIImageIndex), "*/*",
}, ", ")

// resolve follows containerd's Resolve, then reads the index if it is one.
func (q *question) resolve(ctx context.Context) imagepull.Verdict {
	p := probe{http.MethodHead, q.ref.Object(), acceptManifests}
	a, err := q.ask(ctx, p)
	if err == nil && (a.status == http.StatusMethodNotAllowed || q.leavesOpen(a)) {
		p.method = http.MethodGet
		a, err = q.askForBody(ctx, p, a)
	}
	if err != nil {
		return q.classify(ctx, err)
	}
	if a.status == http.StatusNotFound {
		return q.notFound(ctx, p, a)
	}
	if v := classifyAnswer(a, q.credential); v.Reason != "" {
		return v
	}
	return q.manifest(ctx, a)
}

// askForBody sends GET for what HEAD did not tell. Only to a node that could not use HEAD do the headers of GET count as
// those of HEAD; otherwise the digest is that of the body, whatever the registry calls it.
func (q *question) askForBody(ctx context.Context, p probe, head answer) (answer, error) {
	a, err := q.ask(ctx, p)
	if head.status != http.StatusMethodNotAllowed || q.leavesOpen(a) {
		a.digest = digest.FromBytes(a.body).String()
	}
	return a, err
}

// leavesOpen reports whether headers can't tell size and digest, so that a node takes both from the body. A reference by
// digest needs no digest from the registry.
func (q *question) leavesOpen(a answer) bool {
	return a.status < 300 && (a.length < 0 || a.digest == "" && q.ref.Digest == "")
}

// notFound tells a missing tag from a missing repository, which only a body does. Whatever the body says, the verdict
// stands: no node asks again after 404.
func (q *question) notFound(ctx context.Context, p probe, a answer) imagepull.Verdict {
	what := "tag not found"
	if q.ref.Digest != "" {
		what = "digest not found"
	}
	var err error
	if p.method == http.MethodHead {
		p.method = http.MethodGet
		a, err = q.ask(ctx, p)
	}
	if err == nil && a.says(transport.NameUnknownErrorCode) {
		what = "repository not found"
	}
	return imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: what}
}

// manifest judges a manifest that is there and may be read.
func (q *question) manifest(ctx context.Context, a answer) imagepull.Verdict {
	v := imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: a.digest}
	if q.ref.Digest != "" {
		v.Digest = q.ref.Digest
	}
	if _, err := digest.Parse(v.Digest); err != nil {
		return unsupported("the registry gives the manifest an invalid digest")
	}
	switch size := a.size(); {
	case size > q.client.options.ManifestBytes:
		return unsupported("the manifest is larger than the nodes' runtime accepts")
	case size == 0: // containerd: core/remotes/handlers.go, Fetch
		return unsupported("the registry gives the manifest no size")
	}
	switch mt := types.MediaType(a.contentType); {
	case mt.IsImage():
		return v
	case mt.IsIndex():
		return q.index(ctx, v, a)
	case mt.IsSchema1(), a.contentType == "text/plain":
		return unsupported("the image has the old schema 1 format")
	}
	v = unsupported("the registry's answer is not a manifest by its content type")
	v.Fix = "check the image name, and push a container image there"
	return v
}

// mediaType reads the Content-Type without its parameters, as containerd does (core/remotes/docker/resolver.go,
// getManifestMediaType).
func mediaType(header http.Header) string {
	contentType, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return contentType
}
