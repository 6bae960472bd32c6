package registry

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// PushImage pushes a small single-platform image with random content and returns its digest. The platform is
// linux/amd64 by default. A reference without a tag means latest, here and in the other methods.
func (s *Server) PushImage(ref string, opts ...ImageOption) (digest string, err error) {
	target, err := parseReference(ref)
	if err != nil {
		return "", err
	}
	img, err := newImage(s.content.seeds.draw(ref), opts)
	if err != nil {
		return "", fmt.Errorf("making image %s: %w", ref, err)
	}
	if err := remote.Write(target, img, remote.WithTransport(inProcess{s.content})); err != nil {
		return "", fmt.Errorf("pushing image %s: %w", ref, err)
	}
	return digestOf(img)
}

// PushIndex pushes an index with one image for each platform and returns its digest. The zero platform creates an
// entry without a platform. The platform unknown/unknown creates an attestation, as BuildKit adds to its images.
func (s *Server) PushIndex(ref string, platforms ...imagepull.Platform) (digest string, err error) {
	entries := make([]Entry, 0, len(platforms))
	for _, p := range platforms {
		entries = append(entries, Entry{Platform: p, Image: p})
	}
	return s.PushEntries(ref, entries...)
}

// PushEntries pushes an index with the entries and returns its digest.
func (s *Server) PushEntries(ref string, entries ...Entry) (digest string, err error) {
	target, err := parseReference(ref)
	if err != nil {
		return "", err
	}
	index, err := newIndex(s.content.seeds.draw(ref), entries)
	if err != nil {
		return "", fmt.Errorf("making index %s: %w", ref, err)
	}
	if err := remote.WriteIndex(target, index, remote.WithTransport(inProcess{s.content})); err != nil {
		return "", fmt.Errorf("pushing index %s: %w", ref, err)
	}
	return digestOf(index)
}

// PushManifest pushes the body unchanged, under any media type or none, and returns its digest. It does not check
// whether the referenced content exists, or whether a digest in the reference matches the body.
func (s *Server) PushManifest(ref, mediaType string, body []byte) (digest string, err error) {
	target, err := parseReference(ref)
	if err != nil {
		return "", err
	}
	resp := s.content.do(http.MethodPut, manifestPath(target), rawPrefix+mediaType, body)
	if resp.Code != http.StatusCreated {
		return "", fmt.Errorf("pushing manifest %s: %w", ref, statusError(resp.Code))
	}
	return resp.Header().Get("Docker-Content-Digest"), nil
}

// PushBlob stores a blob in a repository and returns its digest. It completes manifests that PushManifest pushed.
func (s *Server) PushBlob(repository string, body []byte) (digest string, err error) {
	target, err := parseReference(repository)
	if err != nil {
		return "", err
	}
	digest = fmt.Sprintf("sha256:%x", sha256.Sum256(body))
	s.content.blobs.put(target.Context().RepositoryStr()+"@"+digest, body)
	return digest, nil
}

// Manifest returns the manifest or index of the reference as the registry serves it.
func (s *Server) Manifest(ref string) (body []byte, err error) {
	target, err := parseReference(ref)
	if err != nil {
		return nil, err
	}
	return s.manifest(target)
}

func (s *Server) manifest(target name.Reference) ([]byte, error) {
	resp := s.content.do(http.MethodGet, manifestPath(target), "", nil)
	if resp.Code != http.StatusOK {
		return nil, fmt.Errorf("reading manifest %s: %w", target.Identifier(), statusError(resp.Code))
	}
	return resp.Body.Bytes(), nil
}

// Delete removes a tag. With a digest, it removes the manifest and every tag of that manifest. The repository stays.
func (s *Server) Delete(ref string) error {
	target, err := parseReference(ref)
	if err != nil {
		return err
	}
	if digest, ok := target.(name.Digest); ok {
		s.deleteTagsOf(digest)
	}
	resp := s.content.do(http.MethodDelete, manifestPath(target), "", nil)
	if resp.Code != http.StatusAccepted {
		return fmt.Errorf("deleting %s: %w", ref, statusError(resp.Code))
	}
	return nil
}

func (s *Server) deleteTagsOf(digest name.Digest) {
	tags, _ := s.content.tags(digest.Context().RepositoryStr())
	for _, tag := range tags {
		path := manifestPath(digest.Context().Tag(tag))
		resp := s.content.do(http.MethodHead, path, "", nil)
		if resp.Header().Get("Docker-Content-Digest") == digest.DigestStr() {
			s.content.do(http.MethodDelete, path, "", nil)
		}
	}
}

// DeleteBlobs removes the configuration and the layers of a single-platform image, and keeps its manifest.
func (s *Server) DeleteBlobs(ref string) error {
	target, err := parseReference(ref)
	if err != nil {
		return err
	}
	body, err := s.manifest(target)
	if err != nil {
		return err
	}
	var manifest v1.Manifest
	if err := json.Unmarshal(body, &manifest); err != nil {
		return fmt.Errorf("parsing manifest %s: %w", ref, err)
	}
	for _, blob := range append(manifest.Layers, manifest.Config) {
		s.content.blobs.remove(target.Context().RepositoryStr() + "@" + blob.Digest.String())
	}
	return nil
}

// DeleteBlob removes one blob from a repository.
func (s *Server) DeleteBlob(repository, digest string) error {
	if !s.content.blobs.remove(repository + "@" + digest) {
		return fmt.Errorf("deleting blob %s of %s: %w", digest, repository, errNoBlob)
	}
	return nil
}
