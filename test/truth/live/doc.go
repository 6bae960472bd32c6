// Package live plays the scenarios of package truth to a real node: a kubelet with containerd, in a cluster of package
// cluster. Each is put to Pullgate first, through the API server and on the command line, and then to the kubelet with the
// gate off. What the kubelet did is written into the scenario's file, and how often the two agree into REPORT.md.
//
// There are only tests in it, and they need Linux, root and the build tag cluster: "make truth" runs them.
package live
