package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine describes the machine of the measurement.
type machine struct {
	cpu, kernel, golang string
	cores               int
}

func thisMachine() machine {
	return machine{
		cpu: field("/proc/cpuinfo", "model name"), kernel: "Linux " + content("/proc/sys/kernel/osrelease"),
		golang: runtime.Version(), cores: runtime.NumCPU(),
	}
}

// String describes the machine in one line.
func (m machine) String() string {
	return fmt.Sprintf("%s, %d cores, %s, %s", m.cpu, m.cores, m.kernel, m.golang)
}

// field returns the first value of that name.
func field(file, name string) string {
	for line := range strings.Lines(content(file)) {
		key, value, found := strings.Cut(line, ":")
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// content returns the content of a kernel file, or "" if the file is missing.
func content(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
