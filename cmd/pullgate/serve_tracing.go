package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/pullgate/pullgate/webhook/tracing"
)

// tracingTimeout bounds the time to send the last spans at the end of the process.
const tracingTimeout = 5 * time.Second

// tracingOptions are the flags of the traces, with the words of Kubernetes' TracingConfiguration.
type tracingOptions struct {
	endpoint     string
	samplingRate int
}

func (o *tracingOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.endpoint, "tracing-endpoint", "",
		"`URL` of an OTLP receiver for HTTP, such as http://192.0.2.1:4318, for OpenTelemetry traces; none are sent without it")
	flags.IntVar(&o.samplingRate, "tracing-sampling-rate-per-million", 0,
		"`number` of traces of a million that are sent, if the API server does not decide for its own")
}

// newTracer returns a tracer and a function that sends its last spans. The tracer is nil if tracing is off.
func (o tracingOptions) newTracer(ctx context.Context, log logging) (t *tracing.Tracer, end func(), err error) {
	if o.endpoint == "" {
		if o.samplingRate != 0 {
			return nil, nil, errors.New("--tracing-sampling-rate-per-million requires --tracing-endpoint")
		}
		return nil, func() {}, nil
	}
	hostname, _ := os.Hostname() // the name of the pod
	t, err = tracing.New(tracing.Options{
		Endpoint: o.endpoint, SamplingRatePerMillion: o.samplingRate, Version: versionString(), Instance: hostname, Log: log.Logger,
	})
	if err != nil {
		return nil, nil, err
	}
	return t, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tracingTimeout)
		defer cancel()
		_ = t.Close(ctx) // the client logs its errors
	}, nil
}
