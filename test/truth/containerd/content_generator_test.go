package containerd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

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
