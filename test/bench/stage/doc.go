// Package stage sets up what a benchmark runs on: a real API server with a namespace, secrets and nodes, registries at a
// distance, and the programs to be measured.
//
// Think of two rooms. In one are the programs to be measured, on cores of their own; in the other is all that they deal with:
// whoever asks them, the API server, the registries. Nobody in the second room takes a core from the first, so that what
// differs between two programs is the programs. Everything is on 127.0.0.1.
package stage
