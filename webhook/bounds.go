package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// The bounds of a request. Reviews that an API server sends are far below, except for objects near its own bound.
const (
	// maxBody bounds the body, in bytes. The API server accepts objects of 3 MiB, and a review of an update has two
	// (apiserver: pkg/server/config.go). An object may still exceed it, since JSON is larger than the API server's own format.
	maxBody = 7 << 20
	// maxDrain bounds the bytes of a body that are read and dropped.
	maxDrain = 64 << 20
	// bodyTimeout bounds the time until the body is read. Meanwhile the body takes its share of maxBodies.
	bodyTimeout = 2 * time.Second
	// maxHead is the length of the start of a body in which the UID must be.
	maxHead = 4096
	// maxDepth bounds the nesting of objects and arrays.
	maxDepth = 100
	// maxString bounds a string, in bytes of JSON.
	maxString = 2 << 20
	// maxUses bounds the images of an object.
	maxUses = 1000
)

// The bounds of all requests together, in bytes.
const (
	// maxBodies bounds the bodies in memory until they are decoded. A typical review has 10 kB.
	maxBodies = 4 * maxBody
	// maxCost bounds the estimated memory of the reviews that are being decoded.
	maxCost = 64 << 20
)

// The estimates of the memory that decoding takes, in bytes. The largest element of an array is a container with its use. The
// largest member of an object is an entry of a map. Texts are copied.
const elementCost, memberCost, textFactor = 768, 128, 3

var (
	errBusy       = errors.New("too many requests at the same time")
	errSlow       = errors.New("the request took too long to arrive")
	errTooLarge   = fmt.Errorf("the request is larger than %d MiB", maxBody>>20)
	errTooDeep    = fmt.Errorf("the request is nested deeper than %d levels", maxDepth)
	errLongString = fmt.Errorf("the request has a string longer than %d MiB", maxString>>20)
	errManyValues = errors.New("the request has too many values")
	errManyImages = fmt.Errorf("the object has more than %d images", maxUses)
)

// measure returns the estimated memory that decoding a JSON text takes, or an error if the text exceeds a bound. It does not
// allocate. The text may be invalid.
func measure(text []byte) (cost int64, err error) {
	cost = int64(len(text)) * textFactor
	var values [maxDepth + 1]int64 // the cost of one more value of the object or array at each depth
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			length := stringLength(text[i+1:])
			if length > maxString {
				return 0, errLongString
			}
			i += length + 1
		case '{', '[':
			if depth++; depth > maxDepth {
				return 0, errTooDeep
			}
			values[depth] = memberCost
			if text[i] == '[' {
				values[depth] = elementCost
			}
			cost += values[depth]
		case ',':
			cost += values[depth]
		case '}', ']':
			depth = max(depth-1, 0)
		}
		if cost > maxCost {
			return 0, errManyValues
		}
	}
	return cost, nil
}

// stringLength returns the number of bytes before the quotation mark that ends a string, or before the end of the text.
func stringLength(text []byte) int {
	for length := 0; ; length++ {
		next := bytes.IndexByte(text[length:], '"')
		if next < 0 {
			return len(text)
		}
		length += next
		escapes := 0
		for escapes < length && text[length-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return length
		}
	}
}
