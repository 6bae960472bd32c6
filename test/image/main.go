// Command image builds a container image from the last stage of a Dockerfile, without Docker, and writes it to an archive
// that containerd and kind can load:
//
//	go run ./test/image -file Dockerfile -from bin -tag localhost/pullgate:e2e -o bin/pullgate.tar
//
// The files that the stage copies must exist in a directory. The base image of the stage is left out: the images are for tests,
// and have no certificates of public authorities.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// run runs the command with its arguments.
func run(args []string, errOut io.Writer) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.SetOutput(errOut)
	file := flags.String("file", "Dockerfile", "Dockerfile whose last stage is built")
	from := flags.String("from", "bin", "directory with the files that the stage copies")
	tag := flags.String("tag", "", "name of the image, with a tag")
	out := flags.String("o", "", "archive to write")
	version := flags.String("version", "", "value of the argument VERSION")
	arch := flags.String("arch", runtime.GOARCH, "architecture of the programs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *tag == "" || *out == "" || flags.NArg() > 0 {
		return errors.New("-tag and -o are required, and arguments are not allowed: see -help")
	}
	return write(*file, *from, *tag, *out, *arch, map[string]string{"VERSION": *version})
}

// write builds the image and writes the archive.
func write(file, from, tag, out, arch string, args map[string]string) error {
	target, err := name.NewTag(tag)
	if err != nil {
		return fmt.Errorf("parsing the image's name: %w", err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the Dockerfile: %w", err)
	}
	s, err := parse(string(text), args)
	if err != nil {
		return fmt.Errorf("%s:%w", file, err)
	}
	image, err := s.build(from, arch)
	if err != nil {
		return err
	}
	if err := tarball.WriteToFile(out, target, image); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	return nil
}
