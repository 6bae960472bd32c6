package registry

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// programPath is the path of the program in the image.
const programPath = "/program"

// withProgram adds a layer with the program, and makes it the entry point.
func withProgram(img v1.Image, program []byte, layerType types.MediaType) (v1.Image, error) {
	files, err := programFiles(program)
	if err != nil {
		return nil, fmt.Errorf("packing a program: %w", err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil }
	layer, err := tarball.LayerFromOpener(open, tarball.WithMediaType(layerType))
	if err != nil {
		return nil, fmt.Errorf("making a program's layer: %w", err)
	}
	if img, err = mutate.AppendLayers(img, layer); err != nil {
		return nil, fmt.Errorf("appending a program's layer: %w", err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	config = config.DeepCopy()
	config.Config.Entrypoint = []string{programPath}
	return mutate.ConfigFile(img, config)
}

// programFiles returns a tar archive that holds only the program.
func programFiles(program []byte) ([]byte, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: programPath[1:], Mode: 0o755, Size: int64(len(program))}); err != nil {
		return nil, err
	}
	if _, err := w.Write(program); err != nil {
		return nil, err
	}
	return archive.Bytes(), w.Close()
}
