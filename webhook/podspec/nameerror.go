package podspec

import (
	"errors"
	"strings"

	"github.com/distribution/reference"
)

// nameError is the cause why the kubelet cannot parse an image. The text follows "InvalidImageName: ".
type nameError string

// Error implements error.
func (e nameError) Error() string { return string(e) }

const (
	errNameEmpty        nameError = "name is empty"
	errNameWhiteSpace   nameError = "must not begin or end with white space"
	errNameScheme       nameError = "must not begin with a scheme such as https://"
	errNameIdentifier   nameError = "must not consist of 64 hexadecimal digits only"
	errNameTooLong      nameError = "repository name is longer than 255 characters"
	errImageTooLong     nameError = "longer than 4096 characters"
	errNameUpperCase    nameError = "repository name must be lowercase"
	errNameFormat       nameError = "invalid registry or repository name"
	errTagFormat        nameError = "invalid tag"
	errDigestFormat     nameError = "invalid digest"
	errDigestAlgorithms nameError = "unsupported digest algorithm"
)

// explain returns the most likely cause of err, the library's error for an image. Most of its errors are only texts, and
// these quote the image.
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

// explainParts parses each part of the image separately with the same grammar, the last part first.
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

// explainDigest distinguishes an algorithm that the kubelet does not support from invalid digits.
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

// cutTag splits at the first colon of the last path component. An earlier colon belongs to a port.
func cutTag(image string) (name, tag string, found bool) {
	last := strings.LastIndex(image, "/") + 1
	component, tag, found := strings.Cut(image[last:], ":")
	return image[:last] + component, tag, found
}

func hasScheme(image string) bool {
	scheme, _, found := strings.Cut(image, "://")
	return found && !strings.ContainsAny(scheme, "/:@")
}
