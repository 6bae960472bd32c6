package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// index returns an index with an image for each source. The labels of the image are annotations of the index, where registries
// look for the source repository and the description.
func (s stage) index(sources []source) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, from := range sources {
		image, err := s.build(from)
		if err != nil {
			return nil, fmt.Errorf("building for %s: %w", from.platform, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &from.platform},
		})
	}
	return mutate.Annotations(index, s.config.Labels).(v1.ImageIndex), nil
}

// build returns the image of a platform. Its first layer is the base, its second layer has the copied files.
func (s stage) build(from source) (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	files, err := s.copiedFiles(from.dir)
	if err != nil {
		return nil, fmt.Errorf("reading the files: %w", err)
	}
	layers := [][]file{files}
	if s.base != scratch {
		base, err := baseFiles()
		if err != nil {
			return nil, fmt.Errorf("making the base: %w", err)
		}
		layers = [][]file{base, files}
	}
	for _, files := range layers {
		layer, err := newLayer(files)
		if err != nil {
			return nil, fmt.Errorf("making a layer: %w", err)
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			return nil, fmt.Errorf("appending a layer: %w", err)
		}
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = from.platform.OS, from.platform.Architecture, from.platform.Variant
	config.Config = s.config
	return mutate.ConfigFile(image, config)
}

// copiedFiles returns the files that the stage copies. They belong to root, and every user may execute them.
func (s stage) copiedFiles(dir string) ([]file, error) {
	all := make([]file, 0, len(s.files))
	for _, f := range s.files {
		data, err := os.ReadFile(filepath.Join(dir, f.from))
		if err != nil {
			return nil, err
		}
		all = append(all, file{name: strings.TrimPrefix(f.to, "/"), mode: 0o755, data: data})
	}
	return all, nil
}
