package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestReportError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	path := filepath.Join(t.TempDir(), "report")
	report, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := reportError(report, nil); err != nil {
		t.Errorf("without an error: %v", err)
	}
	if err := reportError(report, broken); !errors.Is(err, broken) {
		t.Errorf("got error %v, want %v", err, broken)
	}
	if err := report.Close(); err != nil {
		t.Fatal(err)
	}
	if err := reportError(report, broken); err == nil || err.Error() != "broken" {
		t.Errorf("after the report was closed: got error %v, want only %v", err, broken)
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != "error: broken\n" {
		t.Errorf("the report is %q and error %v, want one line with the error", data, err)
	}
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := reportError(reader, broken); !errors.Is(err, broken) || err.Error() == "broken" {
		t.Errorf("got error %v, want both the error and the failed write", err)
	}
}
