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

// target is one object of a manifest, or one image of the command line.
type target struct {
	source string
	object *report.ObjectRef
	pod    imagepull.Pod
	// spec is the pod's spec; nil for an image of the command line.
	spec *corev1.PodSpec
}

// targets returns the images and then the objects of the command line, in their order, and warnings about skipped objects.
func (o *checkOptions) targets() (targets []target, warnings []string, err error) {
	namespace := o.cluster.defaultNamespace()
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
	return r.targets, r.warnings, nil
}

// readManifests reads a file, the files of a directory, or standard input.
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

// listManifests returns the file, or the files in the directory that kubectl would read.
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

// manifestReader converts manifests to targets.
type manifestReader struct {
	namespace string
	targets   []target
	warnings  []string
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

// add adds one object. An object without pods is skipped with a warning.
func (r *manifestReader) add(source string, line int, raw []byte) error {
	object, err := podspec.Decode(raw)
	if errors.Is(err, podspec.ErrNoPods) {
		r.warnings = append(r.warnings, fmt.Sprintf("%s: line %d: skipped: %v", source, line, err))
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
