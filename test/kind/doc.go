// Package kind tests the script that runs the end-to-end tests on a cluster of kind. README.md describes the scripts.
package kind
