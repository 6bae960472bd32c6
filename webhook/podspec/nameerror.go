package podspec

import (
	"errors"
	"strings"

	"github.com/distribution/reference"
)

// nameError says why the kubelet can't parse an image, in words that follow "InvalidImageName: ".
type nameError string

// Error returns the words.
func (e nameError) Error() string { return string(e) }

const (
	errNameEmpty        nameError = "name is empty"
	errNameWhiteSpace   nameError = "must not begin or end with white space"
	errNameScheme       nameError = "must not begin with a scheme such as https://"
	errNameIdentifier   nameError = "must not be 64 hexadecimal digits and nothing else"
	errNameTooLong      nameError = "repository name is longer than 255 characters"
	errImageTooLong     nameError = "longer than any image name can be"
	errNameUpperCase    nameError = "repository name must be lowercase"
	errNameFormat       nameError = "invalid registry or repository name"
	errTagFormat        nameError = "invalid tag"
	errDigestFormat     nameError = "invalid digest"
	errDigestAlgorithms nameError = "unsupported digest algorithm"
)

// explain finds the likeliest cause of err, the library's refusal of an image. The library gives most of its refusals
// as mere text, and that text repeats the image.
func explain(image string, err error) nameError {
	switch {
	case strings.TrimSpace(image) == "":
		return errNameEmpty
	case strings.TrimSpace(image) != image:
		return errNameWhiteSpace
	case hasScheme(image):
		return errNameScheme
	case reference.IdentifierRegexp.FindString(image) == image:
		return errNameIdentifier
	case errors.Is(err, reference.ErrNameTooLong):
		return errNameTooLong
	}
	return explainParts(image)
}

// explainParts tries each part of the image by itself against the same grammar, the last part first.
func explainParts(image string) nameError {
	rest, digest, hasDigest := strings.Cut(image, "@")
	if hasDigest && !parses("x@"+digest) {
		return explainDigest(digest)
	}
	name, tag, hasTag := cutTag(rest)
	if hasTag && !parses("x:"+tag) {
		return errTagFormat
	}
	switch {
	case name == "":
		return errNameEmpty
	case parses(strings.ToLower(name)):
		return errNameUpperCase
	}
	return errNameFormat
}

// explainDigest tells an algorithm that the kubelet doesn't know from digits that don't fit a known one.
func explainDigest(digest string) nameError {
	algorithm, _, ok := strings.Cut(digest, ":")
	if !ok || algorithm == "" {
		return errDigestFormat
	}
	switch algorithm {
	case "sha256", "sha384", "sha512":
		return errDigestFormat
	}
	return errDigestAlgorithms
}

func parses(image string) bool {
	_, err := reference.ParseNormalizedNamed(image)
	return err == nil
}

// cutTag splits at the first colon of the last path component; a colon before that belongs to a port.
func cutTag(image string) (name, tag string, found bool) {
	last := strings.LastIndex(image, "/") + 1
	component, tag, found := strings.Cut(image[last:], ":")
	return image[:last] + component, tag, found
}

func hasScheme(image string) bool {
	scheme, _, found := strings.Cut(image, "://")
	return found && !strings.ContainsAny(scheme, "/:@")
}
