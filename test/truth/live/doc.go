// Package live runs the scenarios of package truth on a real node: a kubelet with containerd, in a cluster of package
// cluster. Pullgate checks each scenario first, through the API server and on the command line. Then the kubelet runs
// it with the webhook off. The result on the kubelet is written into the scenario's file, and the agreement of both
// into REPORT.md.
//
// The package has only tests. They need Linux, root and the build tag cluster: "make truth" runs them.
package live
