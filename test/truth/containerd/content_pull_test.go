package containerd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/diff"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/images/usage"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/core/unpack"
	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// pullContent pulls the image as the transfer service and the CRI plugin do (core/transfer/local/pull.go, pull;
// internal/cri/server/images/image_pull.go, PullImage; internal/cri/store/image/image.go, getImage). Layers are applied by a
// fake.
func pullContent(ctx context.Context, server http.RoundTripper) error {
	node := ocispec.Platform{OS: "linux", Architecture: "amd64"}
	store := &memoryStore{content: store{}}
	hosts := func(string) ([]docker.RegistryHost, error) {
		return []docker.RegistryHost{{
			Client: &http.Client{Transport: server}, Host: "registry.example", Scheme: "https", Path: "/v2",
			Capabilities: docker.HostCapabilityPull | docker.HostCapabilityResolve,
		}}, nil
	}
	resolver := docker.NewResolver(docker.ResolverOptions{Hosts: hosts})
	name, desc, err := resolver.Resolve(ctx, contentImage)
	if err != nil {
		return err
	}
	fetcher, err := resolver.Fetcher(ctx, name)
	if err != nil {
		return err
	}
	unpacker, err := unpack.NewUnpacker(ctx, store, unpack.WithUnpackPlatform(unpack.Platform{
		Platform: platforms.All, Snapshotter: fakeSnapshotter{}, Applier: fakeApplier{},
	}))
	if err != nil {
		return err
	}
	children := images.FilterPlatforms(images.ChildrenHandler(store), platforms.Ordered(node))
	handler := unpacker.Unpack(images.Handlers(remotes.FetchHandler(store, fetcher), children))
	err = images.Dispatch(ctx, handler, nil, desc)
	_, unpackErr := unpacker.Wait()
	if err := errors.Join(err, unpackErr); err != nil {
		return err
	}
	return readImage(ctx, store, images.Image{Name: name, Target: desc}, platforms.Only(node))
}

func readImage(ctx context.Context, store content.Store, image images.Image, node platforms.MatchComparer) error {
	if _, err := image.RootFS(ctx, store, node); err != nil {
		return err
	}
	if _, err := usage.CalculateImageUsage(ctx, image, store, usage.WithManifestLimit(node, 1), usage.WithManifestUsage()); err != nil {
		return err
	}
	config, err := image.Config(ctx, store, node)
	if err != nil {
		return err
	}
	body, err := content.ReadBlob(ctx, store, config)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, &ocispec.Image{})
}

// memoryStore is the part of a content store that a pull uses (plugins/content/local).
type memoryStore struct {
	content.Store

	mu      sync.Mutex
	content store
}

func (s *memoryStore) get(d digest.Digest) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, ok := s.content[d]
	if !ok {
		return nil, fmt.Errorf("content %s: %w", d, errdefs.ErrNotFound)
	}
	return body, d.Validate()
}

func (s *memoryStore) ReaderAt(_ context.Context, d ocispec.Descriptor) (content.ReaderAt, error) {
	body, err := s.get(d.Digest)
	return blob(body), err
}

func (s *memoryStore) Info(_ context.Context, d digest.Digest) (content.Info, error) {
	body, err := s.get(d)
	return content.Info{Digest: d, Size: int64(len(body))}, err
}

func (*memoryStore) Update(_ context.Context, info content.Info, _ ...string) (content.Info, error) {
	return info, nil
}

func (s *memoryStore) Writer(_ context.Context, opts ...content.WriterOpt) (content.Writer, error) {
	var o content.WriterOpts
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	if _, err := s.get(o.Desc.Digest); err == nil {
		return nil, errdefs.ErrAlreadyExists
	}
	return &memoryWriter{store: s}, nil
}

// memoryWriter checks size and digest as the local store does (plugins/content/local/writer.go, Commit).
type memoryWriter struct {
	content.Writer
	store *memoryStore
	data  bytes.Buffer
}

func (w *memoryWriter) Write(p []byte) (int, error) { return w.data.Write(p) }

func (w *memoryWriter) Status() (content.Status, error) {
	return content.Status{Offset: int64(w.data.Len())}, nil
}

func (*memoryWriter) Close() error { return nil }

func (w *memoryWriter) Commit(_ context.Context, size int64, expected digest.Digest, _ ...content.Opt) error {
	d := digest.FromBytes(w.data.Bytes())
	if size > 0 && size != int64(w.data.Len()) || expected != "" && expected != d {
		return fmt.Errorf("committing %d bytes of %s: %w", w.data.Len(), d, errdefs.ErrFailedPrecondition)
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.content[d] = w.data.Bytes()
	return nil
}

// fakeApplier accepts every layer. The layers are not compressed, so that each is its own diffID.
type fakeApplier struct{}

func (fakeApplier) Apply(_ context.Context, d ocispec.Descriptor, _ []mount.Mount, _ ...diff.ApplyOpt) (ocispec.Descriptor, error) {
	return d, nil
}

// fakeSnapshotter holds no snapshot.
type fakeSnapshotter struct{ snapshots.Snapshotter }

func (fakeSnapshotter) Prepare(context.Context, string, string, ...snapshots.Opt) ([]mount.Mount, error) {
	return nil, nil
}

func (fakeSnapshotter) Stat(context.Context, string) (snapshots.Info, error) {
	return snapshots.Info{}, errdefs.ErrNotFound
}

func (fakeSnapshotter) Commit(context.Context, string, string, ...snapshots.Opt) error { return nil }

func (fakeSnapshotter) Remove(context.Context, string) error { return nil }

func (fakeSnapshotter) Mounts(context.Context, string) ([]mount.Mount, error) { return nil, nil }
