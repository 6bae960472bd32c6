package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// writeLayout writes the index as an OCI layout to a new directory. An existing directory is an error, because a layout that
// already has blobs would be added to.
func writeLayout(dir string, tag name.Tag, index v1.ImageIndex) error {
	if err := os.Mkdir(dir, 0o750); err != nil {
		return err
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	return path.AppendIndex(index, layout.WithAnnotations(map[string]string{
		// The first is the name for containerd and kind, the second for other programs.
		"io.containerd.image.name":          tag.Name(),
		"org.opencontainers.image.ref.name": tag.TagStr(),
	}))
}

// writeArchive writes an archive of the layout.
func writeArchive(out string, tag name.Tag, index v1.ImageIndex) error {
	temporary, err := os.MkdirTemp("", "pullgate-image-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	dir := filepath.Join(temporary, "layout")
	if err := writeLayout(dir, tag, index); err != nil {
		return err
	}
	files, err := readFiles(os.DirFS(dir))
	if err != nil {
		return err
	}
	data, err := pack(files)
	if err != nil {
		return err
	}
	return os.WriteFile(out, data, 0o644)
}

// readFiles returns the files of a directory, in lexical order.
func readFiles(dir fs.FS) ([]file, error) {
	var all []file
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case entry.IsDir():
			all = append(all, file{name: name + "/", mode: 0o755})
			return nil
		}
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return fmt.Errorf("reading the layout: %w", err)
		}
		all = append(all, file{name: name, mode: 0o644, data: data})
		return nil
	})
	return all, err
}
