package truth

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// imageBuilder pushes the content of one registry.
type imageBuilder struct {
	fixture  *Fixture
	registry *Registry
	server   *registry.Server
	program  []byte
}

// push pushes content, and records its digest and size.
func (b *imageBuilder) push(p *Push) error {
	var (
		ref    string
		digest string
		err    error
	)
	switch {
	case p.Image != "":
		ref = p.Image
		digest, err = b.server.PushImage(ref, b.imageOptions(p)...)
	case p.Index != "":
		ref = p.Index
		digest, err = b.server.PushEntries(ref, entries(p.Entries)...)
	case p.Manifest != "":
		if ref, err = substitute(p.Manifest, b.fixture.known); err == nil {
			digest, err = b.pushManifest(ref, p)
		}
	default:
		err = errors.New("holds: exactly one of image, index and manifest is required")
	}
	if err != nil {
		return err
	}
	return b.record(ref, digest)
}

// record keeps the digest and the size. Of two registries with one name, the node's counts.
func (b *imageBuilder) record(ref, digest string) error {
	if b.registry.SeenBy == PullgateView {
		return nil
	}
	body, err := b.server.Manifest(ref)
	if err != nil {
		return fmt.Errorf("reading %s back: %w", ref, err)
	}
	b.fixture.known[b.registry.Name+"/"+ref] = pushed{digest, body}
	return nil
}

func (b *imageBuilder) imageOptions(p *Push) []registry.ImageOption {
	options := []registry.ImageOption{registry.WithPlatform(platform(p.Platform))}
	if p.Docker {
		options = append(options, registry.WithDockerMediaTypes())
	}
	if !p.Idle {
		options = append(options, registry.WithProgram(b.program))
	}
	if p.Layers > 0 {
		options = append(options, registry.WithLayers(p.Layers, 256))
	}
	return options
}

// pushManifest pushes a raw manifest after its blobs. The blobs are pushed in the order of their names.
func (b *imageBuilder) pushManifest(ref string, p *Push) (string, error) {
	packed, err := pack(b.program, b.fixture.Scenario.Name)
	if err != nil {
		return "", err
	}
	repository, _, _ := strings.Cut(strings.ReplaceAll(ref, "@", ":"), ":")
	for name, body := range packed {
		b.fixture.known[name] = digestOf(body)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Blobs)) {
		text, err := substitute(p.Blobs[name], b.fixture.known)
		if err != nil {
			return "", fmt.Errorf("blob %s: %w", name, err)
		}
		body, isPacked := packed[text]
		if !isPacked {
			body = []byte(text)
		}
		if _, err := b.server.PushBlob(repository, body); err != nil {
			return "", fmt.Errorf("blob %s: %w", name, err)
		}
		b.fixture.known[name] = digestOf(body)
	}
	body, err := substitute(p.Body, b.fixture.known)
	if err != nil {
		return "", fmt.Errorf("manifest %s: %w", ref, err)
	}
	return b.server.PushManifest(ref, p.MediaType, []byte(body))
}

func (b *imageBuilder) lose(l Loss) error {
	var text string
	for _, t := range []string{l.Manifest, l.Blobs, l.Blob} {
		text += t
	}
	target, err := substitute(text, b.fixture.known)
	if err != nil {
		return err
	}
	switch {
	case l.Manifest != "":
		return b.server.Delete(target)
	case l.Blobs != "":
		return b.server.DeleteBlobs(target)
	}
	repository, digest, _ := strings.Cut(target, "@")
	return b.server.DeleteBlob(repository, digest)
}

// platform parses "os/architecture[/variant]". The default is linux/amd64.
func platform(text string) imagepull.Platform {
	if text == "" {
		text = "linux/amd64"
	}
	parts := append(strings.Split(text, "/"), "", "")
	return imagepull.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
}

func entries(list []Entry) []registry.Entry {
	var out []registry.Entry
	for _, e := range list {
		entry := registry.Entry{Image: platform(e.Image)}
		if e.Platform != "" {
			entry.Platform = platform(e.Platform)
			entry.Platform.OSVersion, entry.Platform.OSFeatures = e.OSVersion, e.OSFeatures
		}
		out = append(out, entry)
	}
	return out
}
