package registry

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/manifest"
)

// acceptManifests is containerd's: schema 1 is not in it (core/remotes/docker/resolver.go, NewResolver).
var acceptManifests = strings.Join([]string{
	string(types.DockerManifestSchema2), string(types.DockerManifestList),
	string(types.OCIManifestSchema1), string(types.OCIImageIndex), "*/*",
}, ", ")

// locate follows containerd's Resolve at one host.
func (q *question) locate(ctx context.Context) finding {
	if q.endpoint.closed.Reason != "" {
		return finding{rank: unreached, verdict: q.endpoint.closed}
	}
	p := probe{method: http.MethodHead, object: q.ref.Object(), accept: acceptManifests}
	a, err := q.ask(ctx, p)
	if err == nil && q.client.runtime.asksAgainByGET(a.status) {
		p.method = http.MethodGet
		a, err = q.ask(ctx, p)
	}
	switch {
	case err != nil:
		return finding{rank: unreached, verdict: q.classify(ctx, err)}
	case a.status == http.StatusNotFound:
		return finding{rank: absent, probe: p, answer: a}
	case a.status >= http.StatusBadRequest:
		return finding{rank: refused, verdict: classifyAnswer(a, q.credential)}
	}
	return q.accept(ctx, p, a)
}

// accept judges a host's success, and the answers to which a node stops. It may take a GET for what HEAD did not tell; only
// to a node that could not use HEAD do the headers of GET count as those of HEAD, and the digest is else that of the body,
// whatever the host calls it.
func (q *question) accept(ctx context.Context, p probe, a answer) finding {
	if q.leavesOpen(a) && p.method == http.MethodHead {
		p.method = http.MethodGet
		var err error
		if a, err = q.ask(ctx, p); err != nil {
			return finding{verdict: q.classify(ctx, err)}
		}
		a.digest = ""
	}
	if a.status == http.StatusNotFound {
		return finding{verdict: q.notFound(ctx, p, a)}
	}
	if v := classifyAnswer(a, q.credential); v.Reason != "" {
		return finding{verdict: v}
	}
	if q.leavesOpen(a) {
		a.digest = digest.FromBytes(a.body).String()
	}
	return q.manifest(a)
}

// leavesOpen reports whether headers can't tell size and digest, so that a node takes both from the body. A reference by
// digest needs no digest from the registry.
func (q *question) leavesOpen(a answer) bool {
	return a.status < 300 && (a.length < 0 || a.digest == "" && q.digest == "")
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
func (q *question) manifest(a answer) finding {
	v := imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: cmp.Or(q.digest, a.digest)}
	if _, err := digest.Parse(v.Digest); err != nil {
		return finding{verdict: q.client.runtime.unusableAnswer("the registry gives the manifest an invalid digest")}
	}
	switch size := a.size(); {
	case size > q.client.options.ManifestBytes:
		tooLarge := manifest.Unsupported("the manifest is larger than the nodes' runtime accepts")
		return finding{rank: oversized, verdict: tooLarge, digest: v.Digest}
	case size == 0: // containerd: core/remotes/handlers.go, Fetch
		return finding{verdict: q.client.runtime.unusableAnswer("the registry gives the manifest no size")}
	}
	runtime := q.client.runtime
	switch mt := types.MediaType(a.contentType); {
	case mt.IsImage():
		v.Warnings = manifest.Warnings(a.body)
		return finding{verdict: v}
	case mt.IsSchema1() && runtime.takesSchema1:
		return finding{verdict: v}
	case mt.IsIndex():
		return finding{verdict: v, answer: a, isIndex: true}
	case mt.IsSchema1(), a.contentType == "text/plain" && !runtime.takesSchema1:
		v = runtime.unusableAnswer("the image has the old schema 1 format")
		v.IsSchema1 = true
		return finding{verdict: v}
	}
	v = runtime.unusableAnswer("the registry's answer is not a manifest by its content type")
	v.Fix = "check the image name, and push a container image there"
	return finding{verdict: v}
}

// mediaType reads the Content-Type without its parameters, as containerd does (core/remotes/docker/resolver.go,
// getManifestMediaType).
func mediaType(header http.Header) string {
	contentType, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return contentType
}
