package registry

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/egress"
	"github.com/pullgate/pullgate/webhook/registry/manifest"
)

// maxDecoders bounds the documents that are hashed and decoded at the same time. That takes some milliseconds, and more decoders than
// processors make none of them faster.
const maxDecoders = 2

// content is the content of a response, reduced to what a verdict depends on. The bytes themselves are not kept: a lookup that
// goes on with other requests holds no memory that an attacker can fill. The zero value is a content that was not read.
type content struct {
	isRead bool
	// size is the length of the content. If it exceeds the bound of the request, size is the bound plus one, and the fields below
	// are empty.
	size     int64
	digest   digest.Digest
	document document
}

// isTooLong reports whether the content exceeds the bound of the request.
func (c content) isTooLong() bool { return c.isRead && c.digest == "" }

// document is a decoded manifest, index or configuration.
type document struct {
	manifest manifest.Manifest
	config   manifest.Config
	// platforms and manifests describe an index.
	isIndex   bool
	platforms []imagepull.Platform
	manifests []imagepull.Descriptor
	err       error
}

// matches reports whether the content was read and has the digest.
func (c content) matches(sum string) bool { return c.isRead && c.digest.String() == sum && sum != "" }

// readContent reads, hashes and decodes the content of a response. It holds the content only while it reads and decodes, in the
// place of the response's body (see egress.Transports).
func (s *session) readContent(ctx context.Context, resp *http.Response, r request) (content, error) {
	limit := s.client.options.ManifestBytes
	if r.blob {
		limit = r.maxBytes
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case errors.Is(err, egress.ErrTooLong):
		return content{isRead: true, size: limit + 1}, nil
	case err != nil:
		return content{}, err
	case int64(len(body)) > limit:
		return content{isRead: true, size: limit + 1}, nil
	}
	if err := s.client.decoders.Acquire(ctx, 1); err != nil {
		return content{}, egress.ErrBusy
	}
	defer s.client.decoders.Release(1)
	c := content{isRead: true, size: int64(len(body)), digest: r.algorithm().FromBytes(body)}
	if r.decode != nil {
		c.document = r.decode(mediaType(resp.Header), body)
	}
	return c, nil
}

// algorithm returns the algorithm of the digest by which the content is verified.
func (r request) algorithm() digest.Algorithm {
	for _, text := range []string{r.digest, r.object} {
		if d := digest.Digest(text); d.Validate() == nil {
			return d.Algorithm()
		}
	}
	return digest.Canonical
}

// decodeByType decodes a manifest or an index, as the content type says.
func decodeByType(contentType string, body []byte) document {
	switch mt := types.MediaType(contentType); {
	case mt.IsImage():
		return decodeManifest(contentType, body)
	case mt.IsIndex():
		return decodeIndex(contentType, body)
	}
	return document{}
}

// decodeByContent decodes a manifest or an index, whichever its fields make it.
func decodeByContent(contentType string, body []byte) document {
	d := decodeManifest(contentType, body)
	if errors.Is(d.err, manifest.ErrIsIndex) {
		return decodeIndex(contentType, body)
	}
	return d
}

func decodeManifest(_ string, body []byte) document {
	m, err := manifest.Parse(body)
	return document{manifest: m, err: err}
}

func decodeIndex(_ string, body []byte) document {
	index, err := manifest.ParseIndex(body)
	return document{isIndex: true, platforms: index.Platforms(), manifests: index.Manifests(), err: err}
}

func decodeConfig(_ string, body []byte) document {
	return document{config: manifest.ParseConfig(body)}
}
