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

// filler fills one registry.
type filler struct {
	world    *World
	registry *Registry
	server   *registry.Server
	program  []byte
}

// push puts something in, and remembers its digest and size.
func (f *filler) push(p *Push) error {
	var (
		ref    string
		digest string
		err    error
	)
	switch {
	case p.Image != "":
		ref = p.Image
		digest, err = f.server.PushImage(ref, f.imageOptions(p)...)
	case p.Index != "":
		ref = p.Index
		digest, err = f.server.PushEntries(ref, entries(p.Entries)...)
	case p.Manifest != "":
		if ref, err = substitute(p.Manifest, f.world.known); err == nil {
			digest, err = f.pushManifest(ref, p)
		}
	default:
		err = errors.New("it holds something that is no image, no index and no manifest")
	}
	if err != nil {
		return err
	}
	return f.remember(ref, digest)
}

func (f *filler) remember(ref, digest string) error {
	body, err := f.server.Manifest(ref)
	if err != nil {
		return fmt.Errorf("reading %s back: %w", ref, err)
	}
	f.world.known[f.registry.Name+"/"+ref] = pushed{digest, len(body)}
	return nil
}

func (f *filler) imageOptions(p *Push) []registry.ImageOption {
	options := []registry.ImageOption{registry.WithPlatform(platform(p.Platform))}
	if p.Docker {
		options = append(options, registry.WithDockerMediaTypes())
	}
	if !p.Idle {
		options = append(options, registry.WithProgram(f.program))
	}
	if p.Layers > 0 {
		options = append(options, registry.WithLayers(p.Layers, 256))
	}
	return options
}

// pushManifest pushes a manifest as it is written, after its blobs in the order of their names.
func (f *filler) pushManifest(ref string, p *Push) (string, error) {
	packed, err := pack(f.program, f.world.Scenario.Name)
	if err != nil {
		return "", err
	}
	repository, _, _ := strings.Cut(strings.ReplaceAll(ref, "@", ":"), ":")
	for name, body := range packed {
		f.world.known[name] = digestOf(body)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Blobs)) {
		text, err := substitute(p.Blobs[name], f.world.known)
		if err != nil {
			return "", fmt.Errorf("blob %s: %w", name, err)
		}
		body, isPacked := packed[text]
		if !isPacked {
			body = []byte(text)
		}
		if _, err := f.server.PushBlob(repository, body); err != nil {
			return "", fmt.Errorf("blob %s: %w", name, err)
		}
		f.world.known[name] = digestOf(body)
	}
	body, err := substitute(p.Body, f.world.known)
	if err != nil {
		return "", fmt.Errorf("manifest %s: %w", ref, err)
	}
	return f.server.PushManifest(ref, p.MediaType, []byte(body))
}

func (f *filler) lose(l Loss) error {
	var text string
	for _, t := range []string{l.Manifest, l.Blobs, l.Blob} {
		text += t
	}
	what, err := substitute(text, f.world.known)
	if err != nil {
		return err
	}
	switch {
	case l.Manifest != "":
		return f.server.Delete(what)
	case l.Blobs != "":
		return f.server.DeleteBlobs(what)
	}
	repository, digest, _ := strings.Cut(what, "@")
	return f.server.DeleteBlob(repository, digest)
}

// platform reads "os/architecture[/variant]"; it is linux/amd64 when empty.
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
