package nodes

// Reported counts nodes by the images that they report. Truncated are the nodes whose list is cut off, so that Pullgate does not see
// their smaller images. None are the nodes that have not reported yet.
type Reported struct{ All, Truncated, None int }

// Reported counts the nodes of the cluster. The counts are zero as long as the nodes are not known.
func (i *Inventory) Reported(p Profile) Reported { return i.all().reported(p) }

func (all clusterNodes) reported(p Profile) Reported {
	all.mu.RLock()
	defer all.mu.RUnlock()
	var r Reported
	for _, g := range all.groups {
		for length, nodes := range g.lengths {
			switch {
			case length == 0:
				r.None += nodes
			case p.isCutOff(length):
				r.Truncated += nodes
			default:
				r.All += nodes
			}
		}
	}
	return r
}
