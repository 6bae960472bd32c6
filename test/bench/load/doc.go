// Package load asks webhooks as an API server does, by HTTP/1.1 over TLS, and tells how long the answers took.
//
// There are two ways to ask. In an open loop requests leave at their appointed times, whether or not the answers to those
// before are there, and time counts from the appointment: that is how pods come, and what latency is measured with. In a
// closed loop the next request leaves when an answer has come: that is how to find out how much a server can do.
package load
