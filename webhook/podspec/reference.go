package podspec

import (
	// A digest is valid only if its algorithm is linked in. The kubelet links these (pkg/util/parsers), hence so do we.
	_ "crypto/sha256"
	_ "crypto/sha512"
	"strings"

	"github.com/distribution/reference"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// defaultTag is what the kubelet asks for when an image has neither tag nor digest.
const defaultTag = "latest"

// maxImage is far beyond what a node could pull: repository, tag and digest are bounded by the grammar, and a host by DNS.
// The grammar has no bound for hosts, and its regular expressions take a microsecond a byte of whatever a pod may hold.
const maxImage = 4096

// ParseReference parses an image as the kubelet does, and normalises it as containerd does: a short name belongs to
// docker.io, the default tag is "latest", and a digest overrules the tag beside it.
//
// The error says in a few words of our own why the kubelet would report InvalidImageName. It never repeats the image,
// which may be of any length and hold any character.
func ParseReference(image string) (imagepull.Reference, error) {
	ref, _, err := parse(image)
	return ref, err
}

// parse returns the tag apart from the reference: beside a digest the reference drops it, yet it still decides the
// default pull policy.
func parse(image string) (imagepull.Reference, string, error) {
	if len(image) > maxImage {
		return imagepull.Reference{}, "", errImageTooLong
	}
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return imagepull.Reference{}, "", explain(image, err)
	}
	ref := repository(named)
	tag := ""
	if tagged, ok := named.(reference.Tagged); ok {
		tag = tagged.Tag()
	}
	if digested, ok := named.(reference.Digested); ok {
		ref.Digest = digested.Digest().String()
		return ref, tag, nil
	}
	if tag == "" {
		tag = defaultTag
	}
	ref.Tag = tag
	return ref, tag, nil
}

// repository splits the name at its first slash, as containerd does to find the host. The library's own split knows no
// domain in a name such as "my_registry.example/x", because of the underscore; the node would ask that host nevertheless.
func repository(named reference.Named) imagepull.Reference {
	domain, path, _ := strings.Cut(named.Name(), "/")
	return imagepull.Reference{Domain: domain, Path: path}
}
