package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/document"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/podspec"
	"github.com/pullgate/pullgate/webhook/report"
)

// target is one thing to check: an object of a manifest, or an image by itself.
type target struct {
	source string
	object *report.ObjectRef
	pod    imagepull.Pod
	// spec is the pod's own; an image by itself has none.
	spec *corev1.PodSpec
}

// targets reads all that is to be checked, in the order of the command line: images first. Notes are about objects that
// were passed over.
func (o *checkOptions) targets() (targets []target, notes []string, err error) {
	namespace := o.cluster.namespaceOr()
	for _, image := range o.images {
		targets = append(targets, target{pod: imagepull.Pod{
			Namespace:      namespace,
			Uses:           []imagepull.Use{podspec.Image(image)},
			ServiceAccount: o.cluster.serviceAccount,
		}})
	}
	r := manifestReader{namespace: namespace, targets: targets}
	for _, name := range o.files {
		if err := o.readManifests(&r, name); err != nil {
			return nil, nil, err
		}
	}
	return r.targets, r.notes, nil
}

// readManifests reads a file, the manifests in a directory, or standard input.
func (o *checkOptions) readManifests(r *manifestReader, name string) error {
	if name == "-" {
		data, err := io.ReadAll(o.In)
		if err != nil {
			return fmt.Errorf("reading standard input: %w", err)
		}
		return r.read("stdin", data)
	}
	files, err := o.listManifests(name)
	if err != nil {
		return err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading manifests: %w", err)
		}
		if err := r.read(file, data); err != nil {
			return err
		}
	}
	return nil
}

// listManifests returns the file itself, or those in the directory that kubectl would take.
func (o *checkOptions) listManifests(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	var files []string
	err = filepath.WalkDir(name, func(path string, entry os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != name && !o.recursive:
			return filepath.SkipDir
		case !entry.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no .yaml, .yml or .json file in %s", name)
	}
	return files, nil
}

// manifestReader turns manifests into targets.
type manifestReader struct {
	namespace string
	targets   []target
	notes     []string
}

func (r *manifestReader) read(source string, data []byte) error {
	documents, err := document.Split(data)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	for _, d := range documents {
		objects, err := document.Items(d)
		if err != nil {
			return fmt.Errorf("%s: line %d: %w", source, d.Line, err)
		}
		for _, object := range objects {
			if err := r.add(source, d.Line, object); err != nil {
				return err
			}
		}
	}
	return nil
}

// add takes one object; one without pods is noted.
func (r *manifestReader) add(source string, line int, raw []byte) error {
	object, err := podspec.Decode(raw)
	if errors.Is(err, podspec.ErrNoPods) {
		r.notes = append(r.notes, fmt.Sprintf("%s: line %d: passed over: %v", source, line, err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: line %d: %w", source, line, err)
	}
	object = object.BeforeAdmission()
	if object.Namespace == "" {
		object.Namespace = r.namespace
	}
	object.Pod.Namespace = object.Namespace
	r.targets = append(r.targets, target{
		source: source,
		object: &report.ObjectRef{
			APIVersion: object.APIVersion, Kind: object.Kind, Namespace: object.Namespace, Name: object.Name,
		},
		pod:  object.Pod,
		spec: object.Spec,
	})
	return nil
}
