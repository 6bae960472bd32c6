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

// acceptManifests is containerd's Accept header, without schema 1 (core/remotes/docker/resolver.go, NewResolver).
var acceptManifests = strings.Join([]string{
	string(types.DockerManifestSchema2), string(types.DockerManifestList),
	string(types.OCIManifestSchema1), string(types.OCIImageIndex), "*/*",
}, ", ")

// resolve sends requests to one endpoint after the other until one decides (containerd: core/remotes/docker/resolver.go,
// Resolve). It then reads the index, if there is one.
func (ss sessions) resolve(ctx context.Context) imagepull.Verdict {
	var (
		failures []result
		known    string // the digest of an oversized manifest
	)
	for _, s := range ss {
		if !s.endpoint.canServe(s.ref) {
			continue
		}
		r := s.resolveAt(ctx, cmp.Or(known, s.ref.Digest))
		if r.stage == decided {
			return ss.finish(ctx, r)
		}
		known = cmp.Or(r.digest, known)
		failures = append(failures, r)
	}
	if len(failures) == 0 {
		return noHost()
	}
	return ss.finish(ctx, worst(failures))
}

// finish returns the verdict on the deciding result.
func (ss sessions) finish(ctx context.Context, r result) imagepull.Verdict {
	switch {
	case r.stage == absent:
		r.verdict = r.session.notFound(ctx, r.request, r.response)
	case r.stage == unreached && r.session.endpoint.local:
		r.verdict = nodeLocal(r.verdict)
	case r.isIndex:
		return ss.readIndex(ctx, r.verdict, r.response)
	}
	return r.session.endpoint.prefixHost(r.verdict)
}

// resolveAt follows containerd's Resolve at one host. The known digest is empty for a tag.
func (s *session) resolveAt(ctx context.Context, known string) result {
	if s.endpoint.blocked.Reason != "" {
		return result{session: s, stage: unreached, verdict: s.endpoint.blocked}
	}
	req := request{method: http.MethodHead, object: s.ref.Object(), accept: acceptManifests, digest: known, decode: decodeByType}
	resp, err := s.send(ctx, req)
	if err == nil && s.client.runtime.retriesWithGET(resp.status) {
		req.method = http.MethodGet
		resp, err = s.send(ctx, req)
	}
	switch {
	case err != nil:
		return result{session: s, stage: unreached, verdict: s.classify(ctx, resp, err)}
	case resp.isAbsent():
		return result{session: s, stage: absent, request: req, response: resp}
	case resp.status >= http.StatusBadRequest:
		return result{session: s, stage: refused, verdict: s.classify(ctx, resp, nil)}
	}
	return s.accept(ctx, req, resp, known)
}

// accept returns the result for a status below 400, which ends the lookup on a node. If HEAD is incomplete, it sends GET and
// hashes the body. The headers of GET count only if HEAD is not supported.
func (s *session) accept(ctx context.Context, req request, resp response, known string) result {
	if req.method == http.MethodHead && resp.isIncomplete(known) {
		req.method = http.MethodGet
		var err error
		if resp, err = s.send(ctx, req); err != nil {
			return result{session: s, verdict: s.classify(ctx, resp, err)}
		}
		resp.digest = ""
	}
	if resp.isAbsent() {
		return result{session: s, verdict: s.notFound(ctx, req, resp)}
	}
	if v := s.classify(ctx, resp, nil); v.Reason != "" {
		return result{session: s, verdict: v}
	}
	if resp.isIncomplete(known) {
		resp.digest = resp.content.digest.String()
	}
	return s.checkManifest(resp, cmp.Or(known, resp.digest))
}

// isIncomplete reports whether the headers lack size or digest, so that a node takes both from the body. A reference by digest
// needs no digest from the registry.
func (r response) isIncomplete(known string) bool {
	return r.status < 300 && (r.length < 0 || r.digest == "" && known == "")
}

// notFound returns the verdict on a 404. Only a body shows whether the tag or the repository is missing. The verdict does not
// depend on it otherwise, because a node sends no request after 404.
func (s *session) notFound(ctx context.Context, req request, resp response) imagepull.Verdict {
	detail := "tag not found"
	if s.ref.Digest != "" {
		detail = "digest not found"
	}
	var err error
	if req.method == http.MethodHead {
		req.method = http.MethodGet
		resp, err = s.send(ctx, req)
	}
	if err == nil && resp.hasCode(transport.NameUnknownErrorCode) {
		detail = "repository not found"
	}
	return imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: detail}
}

// checkManifest returns the result for a manifest that exists and may be read.
func (s *session) checkManifest(resp response, known string) result {
	rules := s.client.runtime
	r := result{session: s, verdict: imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: known, Size: resp.size()}}
	mt := types.MediaType(resp.contentType)
	_, err := digest.Parse(known)
	switch size := resp.size(); {
	case resp.isWebPage:
		r.verdict = notARegistry()
	case resp.method == http.MethodHead && resp.pullsExhausted:
		r.verdict = imagepull.Verdict{Reason: imagepull.ReasonRateLimited, Detail: "no pull remains of the registry's rate limit"}
	case err != nil && !resp.content.isTooLong():
		r.verdict = rules.unsupported("the registry returned an invalid digest for the manifest")
	case size > s.client.options.ManifestBytes:
		r.stage, r.digest = oversized, known
		r.verdict = manifest.Unsupported("the manifest is larger than the nodes' runtime accepts")
	case size == 0: // containerd: core/remotes/handlers.go, Fetch
		r.verdict = rules.unsupported("the registry returned no size for the manifest")
	case mt.IsImage():
		if d := resp.content.document; resp.content.isRead && d.err == nil {
			r.verdict.Warnings = d.manifest.Warnings()
		}
	case mt.IsSchema1() && rules.acceptsSchema1:
	case mt.IsIndex():
		r.response, r.isIndex = resp, true
	case mt.IsSchema1(), mt == "text/plain" && !rules.acceptsSchema1:
		r.verdict = rules.unsupported("the image has the old schema 1 format")
		r.verdict.IsSchema1 = true
	default:
		r.verdict = rules.unsupported("the registry's response is not a manifest by its content type")
		r.verdict.Fix = "check the image name, and push a container image there"
	}
	return r
}
