// Package report writes findings as text: the line of a denial or a warning, and the reports of the command line.
//
//	Finding → Line (denial), Warning (at most 256 characters)
//	Report  → WriteTable (terminal), WriteJSON, WriteYAML (machines)
//
// A line names the container, the image, the outcome, the cause and the fix:
//
//	container "web": image "nginx:gone" cannot be pulled: NotFound: tag not found; push the image or correct its name
//
// Names and images are text of the pod's author. The package escapes all of it.
package report
