package webhook_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// source is one Go file with the folder of its package and its imports.
type source struct {
	path, pkg string
	imports   []string
}

// productFiles parses every Go file of this module that is not a test.
func productFiles(t *testing.T) []source {
	t.Helper()
	var out []source
	for _, top := range topLevel() {
		err := filepath.WalkDir(filepath.Join("..", top), func(p string, e fs.DirEntry, err error) error {
			switch {
			case os.IsNotExist(err):
				return nil
			case err != nil:
				return err
			case e.IsDir() && isForeign(p):
				return filepath.SkipDir
			case e.IsDir() || path.Ext(p) != ".go" || strings.HasSuffix(p, "_test.go"):
				return nil
			}
			out = append(out, parse(t, p))
			return nil
		})
		if err != nil {
			t.Fatalf("walking %s: %v", top, err)
		}
	}
	if len(out) == 0 {
		t.Fatal("no Go files found")
	}
	return out
}

// isForeign reports whether a folder is not a package of this module.
func isForeign(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil || filepath.Base(dir) == "testdata" || strings.HasPrefix(filepath.Base(dir), "_")
}

func parse(t *testing.T, p string) source {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatalf("parsing %s: %v", p, err)
	}
	name := strings.TrimPrefix(filepath.ToSlash(p), "../")
	s := source{path: name, pkg: path.Dir(name)}
	for _, i := range file.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		s.imports = append(s.imports, imported)
	}
	return s
}
