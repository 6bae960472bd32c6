package containerd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

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

	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/podspec"
	"github.com/pullgate/pullgate/webhook/preflight"
	"github.com/pullgate/pullgate/webhook/registry"
)

const contentImage = "registry.example/shop/web:1"

// TestContent lets one node pull an image whose descriptors may be broken and whose content may be missing, and compares the
// result with the verdicts. The deep check must agree. The default check must agree if the manifests themselves are in order.
func TestContent(t *testing.T) {
	t.Parallel()
	server := &contentServer{}
	client, err := registry.New(registry.Options{Instrument: func(http.RoundTripper) http.RoundTripper { return server }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	shallow, deep := newContentChecker(client, false), newContentChecker(client, true)
	counts := map[string]int{}
	for seed := range uint64(rounds) {
		w := newContentWriter(seed)
		w.write()
		*server = contentServer{content: w.served, mediaType: w.mediaType, root: w.root, length: w.length}
		pullErr := pullContent(t.Context(), server)
		for name, c := range map[string]*preflight.Checker{"shallow": shallow, "deep": deep} {
			v := c.Check(t.Context(), imagepull.Pod{Uses: []imagepull.Use{podspec.Image(contentImage)}}, nil)[0].Verdict
			agree := v.Outcome() == imagepull.Indeterminate || (v.Outcome() == imagepull.Pullable) == (pullErr == nil)
			unseen := name == "shallow" && w.broken && v.Outcome() == imagepull.Pullable
			if !agree && !unseen {
				t.Errorf("{seed: %d, %s}: the node: %v; %s check: %s %s\n%s", seed, w.log, pullErr, name, v.Reason, v.Detail, w.body)
			}
			counts[fmt.Sprintf("%s %s", name, v.Outcome())]++
		}
	}
	wantVariety(t, counts)
}

func newContentChecker(client *registry.Client, deep bool) *preflight.Checker {
	return preflight.New(preflight.Options{
		Resolver: client, Manifests: registry.NewManifestResolver(client), Contents: registry.NewDeepResolver(client), Deep: deep,
		Credentials: secrets.Files{}, Nodes: nodes.Declared{{OS: "linux", Architecture: "amd64"}},
	})
}

// contentServer is a registry without a network.
type contentServer struct {
	content   map[digest.Digest][]byte
	mediaType map[digest.Digest]string
	root      digest.Digest
	// length is the length in the response to HEAD for the tag.
	length int
}

// RoundTrip implements http.RoundTripper.
func (s *contentServer) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.serve(w, r)
	resp := w.Result()
	resp.Request = r
	if length, err := strconv.ParseInt(resp.Header.Get("Content-Length"), 10, 64); err == nil {
		resp.ContentLength = length
	}
	return resp, nil
}

func (s *contentServer) serve(w http.ResponseWriter, r *http.Request) {
	kind, object := path.Base(path.Dir(r.URL.Path)), digest.Digest(path.Base(r.URL.Path))
	if object == "1" {
		object = s.root
	}
	body, ok := s.content[object]
	mediaType, isManifest := s.mediaType[object]
	if !ok || isManifest != (kind == "manifests") {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if mediaType == "" {
		mediaType = "application/octet-stream"
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Docker-Content-Digest", object.String())
	if object == s.root && r.Method == http.MethodHead {
		w.Header().Set("Content-Length", strconv.Itoa(s.length))
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// contentWriter generates an image. Defects are rare, because one of them breaks the whole image.
type contentWriter struct {
	*rand.Rand
	served    map[digest.Digest][]byte
	mediaType map[digest.Digest]string
	root      digest.Digest
	body      string
	length    int
	// broken reports a defect that only the content of a manifest shows.
	broken bool
	log    []string
	number int
}

func newContentWriter(seed uint64) *contentWriter {
	return &contentWriter{
		Rand:   rand.New(rand.NewPCG(seed, 3)),
		served: map[digest.Digest][]byte{}, mediaType: map[digest.Digest]string{},
	}
}

// one returns true with a probability of 1/in, and logs the defect.
func (w *contentWriter) one(in int, defect string) bool {
	if w.IntN(in) > 0 {
		return false
	}
	w.log = append(w.log, defect)
	return true
}

func (w *contentWriter) write() {
	var body []byte
	mediaType := ocispec.MediaTypeImageIndex
	if w.IntN(4) == 0 {
		mediaType = ocispec.MediaTypeImageManifest
		body = w.manifest()
	} else {
		body = w.index(0)
	}
	if w.one(40, "another type") {
		if mediaType == ocispec.MediaTypeImageIndex {
			mediaType, w.broken = ocispec.MediaTypeImageManifest, true
		} else {
			mediaType = ocispec.MediaTypeImageIndex
		}
	}
	w.root, w.body, w.length = w.serve(mediaType, body), string(body), len(body)
	if w.one(60, "a wrong length") {
		w.length += 1 - 2*w.IntN(2)
		w.broken = w.broken || mediaType == ocispec.MediaTypeImageManifest
	}
}

func (w *contentWriter) serve(mediaType string, body []byte) digest.Digest {
	d := digest.FromBytes(body)
	w.served[d] = body
	if mediaType != "" {
		w.mediaType[d] = mediaType
	}
	return d
}

func (w *contentWriter) index(level int) []byte {
	entries := []any{}
	for range 1 + w.IntN(3) {
		entries = append(entries, w.entry(level))
	}
	if w.one(30, "no entry") {
		entries = []any{}
	}
	w.number++
	return w.encode(map[string]any{"schemaVersion": 2, "manifests": entries, "annotations": map[string]string{"n": strconv.Itoa(w.number)}})
}

func (w *contentWriter) encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return body
}

func (w *contentWriter) entry(level int) map[string]any {
	mediaType := ocispec.MediaTypeImageManifest
	whole, before := true, len(w.log)
	var body []byte
	if level < 2 && w.one(10, "an index") {
		mediaType = ocispec.MediaTypeImageIndex
		body = w.index(level + 1)
	} else {
		body = w.manifest()
		whole = len(w.log) == before
	}
	d := w.serve(mediaType, body)
	entry := map[string]any{"mediaType": mediaType, "digest": d, "size": len(body)}
	switch w.IntN(8) {
	case 0:
		w.log = append(w.log, "no platform")
	case 1:
		w.log = append(w.log, "arm64")
		entry["platform"] = map[string]any{"os": "linux", "architecture": "arm64"}
	default:
		entry["platform"] = map[string]any{"os": "linux", "architecture": "amd64"}
	}
	// The deep check does not follow a manifest that the index itself holds.
	w.breakEntry(entry, d, body, whole)
	return entry
}

func (w *contentWriter) breakEntry(entry map[string]any, d digest.Digest, body []byte, whole bool) {
	if w.one(30, "lost") {
		delete(w.served, d)
	}
	if w.one(20, "an entry of another size") {
		entry["size"] = []any{0, -1, len(body) + 1, len(body) - 1, nil}[w.IntN(5)]
	}
	if w.one(20, "an entry of another type") {
		entry["mediaType"] = []any{
			"", "application/json", nil, ocispec.MediaTypeImageIndex, ocispec.MediaTypeImageManifest, images.MediaTypeDockerSchema2Manifest,
			images.MediaTypeDockerSchema1Manifest, "application/vnd.docker.distribution.manifest.v1+json",
		}[w.IntN(8)]
	}
	if w.one(40, "an invalid digest") {
		entry["digest"] = []any{"", "none", "sha256:00", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:" + strings.Repeat("A", 64)}[w.IntN(5)]
	}
	if w.one(30, "an empty platform") {
		entry["platform"] = []any{map[string]any{}, map[string]any{"os": "", "architecture": ""}, map[string]any{"os": "linux"}}[w.IntN(3)]
	}
	if whole && w.mediaType[d] == ocispec.MediaTypeImageManifest && w.one(12, "data") {
		w.embed(entry, d, body)
	}
}

// embed adds data to a descriptor. With good data the registry need not serve the content.
func (w *contentWriter) embed(entry map[string]any, d digest.Digest, body []byte) {
	switch w.IntN(3) {
	case 0:
		entry["data"] = body
		delete(w.served, d)
	case 1:
		entry["data"] = bytes.Repeat([]byte("x"), len(body))
	case 2:
		entry["data"] = []byte("short")
	}
}

func (w *contentWriter) manifest() []byte {
	w.number++
	before := len(w.log)
	var layers []any
	var ids []digest.Digest
	for range w.IntN(3) {
		w.number++
		body := []byte(fmt.Sprint("layer ", w.number))
		d := w.serve("", body)
		layer := map[string]any{"mediaType": ocispec.MediaTypeImageLayer, "digest": d, "size": len(body)}
		w.breakBlob(layer, d, body)
		layers, ids = append(layers, layer), append(ids, d)
	}
	config := w.config(ids)
	m := map[string]any{"schemaVersion": 2, "config": config, "layers": layers, "annotations": map[string]string{"n": strconv.Itoa(w.number)}}
	if w.one(40, "manifests in a manifest") {
		m["manifests"] = []any{nil, []any{}}[w.IntN(2)]
	}
	if w.one(60, "layers of schema 1") {
		m["fsLayers"] = nil
	}
	if w.one(60, "no configuration") {
		delete(m, "config")
	}
	body := w.encode(m)
	if w.one(60, "no JSON") {
		body = body[:len(body)-1]
	}
	w.broken = w.broken || len(w.log) > before
	return body
}

func (w *contentWriter) config(ids []digest.Digest) map[string]any {
	w.number++
	mediaType := ocispec.MediaTypeImageConfig
	c := map[string]any{
		"os": "linux", "architecture": "amd64", "author": strconv.Itoa(w.number),
		"rootfs": map[string]any{"type": "layers", "diff_ids": ids},
	}
	if w.one(30, "a configuration of another type") {
		mediaType = "application/vnd.example.config+json"
	}
	if w.one(30, "a field of another type") {
		c[[]string{"created", "author", "os", "config", "history", "rootfs", "variant", "os.features", "unknown"}[w.IntN(9)]] = 5
	}
	if w.one(40, "too many layers") {
		c["rootfs"] = map[string]any{"type": "layers", "diff_ids": append(ids, digest.FromString("another"))}
	}
	if w.one(20, "built for arm64") {
		c["architecture"] = "arm64"
	}
	if w.one(40, "built for no platform") {
		delete(c, "architecture")
		delete(c, "os")
	}
	body := w.encode(c)
	if w.one(60, "a configuration that is not JSON") {
		body = []byte(strconv.Itoa(w.number) + " is not JSON")
	}
	d := w.serve("", body)
	descriptor := map[string]any{"mediaType": mediaType, "digest": d, "size": len(body)}
	w.breakBlob(descriptor, d, body)
	return descriptor
}

func (w *contentWriter) breakBlob(blob map[string]any, d digest.Digest, body []byte) {
	if w.one(60, "a lost blob") {
		delete(w.served, d)
	}
	if w.one(60, "a blob of another size") {
		blob["size"] = []any{0, -1, len(body) + 1, len(body) - 1, nil}[w.IntN(5)]
	}
	if w.one(60, "a blob of another type") {
		blob["mediaType"] = []any{
			"", "application/json", nil, ocispec.MediaTypeImageIndex, ocispec.MediaTypeImageManifest,
			ocispec.MediaTypeImageLayer + "+gzip",
		}[w.IntN(6)]
	}
	if w.one(80, "an invalid digest of a blob") {
		blob["digest"] = []any{"", "none", "sha256:00"}[w.IntN(3)]
	}
	if w.one(40, "data of a blob") {
		w.embed(blob, d, body)
	}
}

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
