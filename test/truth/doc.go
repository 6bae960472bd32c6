// Package truth compares Pullgate with real nodes. A scenario runs on a kubelet with containerd, and Pullgate checks
// the same objects. Pullgate must predict the result on the kubelet.
//
// A [Scenario] is a YAML file in the folder scenarios. It describes registries with their content and faults, the
// configuration of the node, secrets, and a pod.
//
//	Load → Scenario → Build → Fixture → kubelet (package live) → Recorded
//	                                  → Pullgate → Findings → Predict → Predicted
//	Scenario.Compare(Recorded, Predicted) → Agreement → Report → REPORT.md
//
// A [Fixture] has two kinds of [Site]. In a cluster of one real node, package live records the result on the kubelet.
// In the process of a test ([Local]), Pullgate's tests check the recorded scenarios again.
package truth
