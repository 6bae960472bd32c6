package report

import (
	"fmt"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// ObjectRef names the object that uses an image.
type ObjectRef struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
}

// String returns the object as in the table, such as "Pod shop/web".
func (o ObjectRef) String() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// Entry is a finding with its file and object.
type Entry struct {
	// Source is the file that holds the object, or "".
	Source string
	// Object is nil for a standalone image.
	Object  *ObjectRef
	Finding imagepull.Finding
}

// Report is the result of one run of the command. The zero value is the report of a run without images.
type Report struct {
	// Entries are in the order of the input.
	Entries []Entry
	// Warnings concern the run itself, such as a file that could not be read. Only the table prints them.
	Warnings []string
}

// Summary counts the findings of a report by outcome.
type Summary struct {
	Pullable      int `json:"pullable"`
	Unpullable    int `json:"unpullable"`
	Indeterminate int `json:"indeterminate"`
}

// Summary counts the findings by outcome.
func (r Report) Summary() Summary {
	var s Summary
	for _, entry := range r.Entries {
		switch entry.Finding.Outcome() {
		case imagepull.Pullable:
			s.Pullable++
		case imagepull.Unpullable:
			s.Unpullable++
		case imagepull.Indeterminate:
			s.Indeterminate++
		}
	}
	return s
}

// String returns the counts as text, such as "2 images: 1 pullable, 1 unpullable". It leaves out zero counts.
func (s Summary) String() string {
	total := s.Pullable + s.Unpullable + s.Indeterminate
	images := fmt.Sprintf("%d images", total)
	if total == 1 {
		images = "1 image"
	}
	var counts []string
	add := func(n int, outcome string) {
		if n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, outcome))
		}
	}
	add(s.Pullable, "pullable")
	add(s.Unpullable, "unpullable")
	add(s.Indeterminate, "indeterminate")
	if len(counts) == 0 {
		return images
	}
	return images + ": " + strings.Join(counts, ", ")
}
