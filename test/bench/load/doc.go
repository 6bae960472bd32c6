// Package load sends reviews to webhooks as an API server does, with HTTP/1.1 over TLS, and measures the latency of
// the responses.
//
// There are two kinds of loops. An open loop sends requests at scheduled times, whether or not earlier responses have
// arrived. The latency counts from the scheduled time. Pods arrive like this, so latency is measured with it. A
// closed loop sends the next request after a response. It measures the capacity of a server.
//
//	client := load.NewClient(target)
//	latencies, err := client.Rate(ctx, 500, 4*time.Second, load.Always(review))
//	served, err := target.For(ctx, 8, 3*time.Second, load.Always(review))
package load
