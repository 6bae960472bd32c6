// Command image builds a container image from the last stage of a Dockerfile, without Docker. It writes an image index as an OCI
// layout: a directory, or an archive of the directory that containerd and kind can load:
//
//	go run ./test/image -tag localhost/pullgate:e2e -from bin -o bin/e2e/pullgate.tar
//	go run ./test/image -tag ghcr.io/pullgate/pullgate:v1 -from linux/amd64=bin/amd64 -from linux/arm64=bin/arm64 -o bin/layout
//
// The files that the stage copies must exist in the directory of each platform. No base image is downloaded: a stage begins with
// the files that a static Go program needs, unless it is FROM scratch. The same files and arguments give the same bytes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// options are the values of the flags.
type options struct {
	dockerfile, tag, version, out string
	sources                       []source
}

// source is a directory with the programs of a platform.
type source struct {
	platform v1.Platform
	dir      string
}

// run runs the command with its arguments.
func run(args []string, errOut io.Writer) error {
	var o options
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.StringVar(&o.dockerfile, "file", "Dockerfile", "Dockerfile whose last stage is built")
	flags.StringVar(&o.tag, "tag", "", "name of the image, with a tag")
	flags.StringVar(&o.version, "version", "", "value of the argument VERSION")
	flags.StringVar(&o.out, "o", "", "directory to create, or archive to write if the name ends in .tar")
	flags.Func("from", "`[OS/ARCH=]DIR` with the files that the stage copies; may be repeated", func(value string) (err error) {
		o.sources, err = addSource(o.sources, value)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.tag == "" || o.out == "" || len(o.sources) == 0 || flags.NArg() > 0 {
		return errors.New("-tag, -from and -o are required, and arguments are not allowed: see -help")
	}
	return o.write()
}

// addSource parses a value of -from. Without a platform, the programs are for Linux on the architecture of this machine.
func addSource(all []source, value string) ([]source, error) {
	platform, dir, ok := strings.Cut(value, "=")
	if !ok {
		platform, dir = "linux/"+runtime.GOARCH, value
	}
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		return nil, err
	}
	if p.OS == "" || p.Architecture == "" || dir == "" {
		return nil, errors.New("use OS/ARCH=DIR, such as linux/amd64=bin")
	}
	return append(all, source{platform: *p, dir: dir}), nil
}

// write builds the image and writes the layout.
func (o options) write() error {
	tag, err := name.NewTag(o.tag)
	if err != nil {
		return fmt.Errorf("parsing the image's name: %w", err)
	}
	text, err := os.ReadFile(o.dockerfile)
	if err != nil {
		return fmt.Errorf("reading the Dockerfile: %w", err)
	}
	s, err := parse(string(text), map[string]string{"VERSION": o.version})
	if err != nil {
		return fmt.Errorf("%s:%w", o.dockerfile, err)
	}
	index, err := s.index(o.sources)
	if err != nil {
		return err
	}
	if strings.HasSuffix(o.out, ".tar") {
		err = writeArchive(o.out, tag, index)
	} else {
		err = writeLayout(o.out, tag, index)
	}
	if err != nil {
		return fmt.Errorf("writing the layout: %w", err)
	}
	return nil
}
