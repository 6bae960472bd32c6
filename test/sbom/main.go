// Command sbom writes the software bill of materials of a Go program, in CycloneDX's JSON format. It lists the modules that the
// Go command recorded in the program:
//
//	go run ./test/sbom -version v1.2.3 -o pullgate.cdx.json bin/pullgate
//
// The document has no time and no serial number: the same program gives the same bytes.
package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"runtime/debug"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// run runs the command with its arguments.
func run(args []string, errOut io.Writer) error {
	flags := flag.NewFlagSet("sbom", flag.ContinueOnError)
	flags.SetOutput(errOut)
	version := flags.String("version", "", "version of the program; by default the version of its main module")
	out := flags.String("o", "", "file to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" || flags.NArg() != 1 {
		return errors.New("-o and one program are required: see -help")
	}
	program, err := os.ReadFile(flags.Arg(0))
	if err != nil {
		return fmt.Errorf("reading the program: %w", err)
	}
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return fmt.Errorf("reading the build information of %s: %w", flags.Arg(0), err)
	}
	if *version != "" {
		info.Main.Version = *version
	}
	var document bytes.Buffer
	if err := cdx.NewBOMEncoder(&document, cdx.BOMFileFormatJSON).SetPretty(true).Encode(newBOM(info, program)); err != nil {
		return fmt.Errorf("encoding the document: %w", err)
	}
	return os.WriteFile(*out, document.Bytes(), 0o644)
}

// newBOM returns the document: the program, and each of its modules as a direct dependency. The Go command does not record
// which module needs which.
func newBOM(info *debug.BuildInfo, program []byte) *cdx.BOM {
	subject := newComponent(cdx.ComponentTypeApplication, info.Main.Path, info.Main.Version)
	subject.Name = path.Base(info.Path)
	sum := sha256.Sum256(program)
	subject.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}}

	libraries := []cdx.Component{newComponent(cdx.ComponentTypeLibrary, "std", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, module := range info.Deps {
		libraries = append(libraries, newLibrary(module))
	}
	needed := make([]string, 0, len(libraries))
	graph := []cdx.Dependency{{Ref: subject.BOMRef, Dependencies: &needed}}
	for _, c := range libraries {
		needed = append(needed, c.BOMRef)
		graph = append(graph, cdx.Dependency{Ref: c.BOMRef})
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &subject}
	bom.Components = &libraries
	bom.Dependencies = &graph
	return bom
}

// newLibrary returns the component of a module, or of its replacement.
func newLibrary(module *debug.Module) cdx.Component {
	if module.Replace != nil {
		module = module.Replace
	}
	c := newComponent(cdx.ComponentTypeLibrary, module.Path, module.Version)
	// The checksum of go.sum is a SHA-256 over the files of the module.
	if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(module.Sum, "h1:")); err == nil && len(sum) == sha256.Size {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
	}
	return c
}

// newComponent returns a component whose reference is its package URL. In such a URL, names of Go packages are in lower case.
func newComponent(kind cdx.ComponentType, name, version string) cdx.Component {
	url := "pkg:golang/" + strings.ToLower(name)
	if version != "" {
		url += "@" + strings.ReplaceAll(version, "+", "%2B")
	}
	return cdx.Component{Type: kind, BOMRef: url, Name: name, Version: version, PackageURL: url}
}
