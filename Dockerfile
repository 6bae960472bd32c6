# Both bases may be replaced, by a mirror or by a digest:
#   docker build --build-arg BUILDER=… --build-arg BASE=… .
ARG BUILDER=golang:1.26
ARG BASE=gcr.io/distroless/static-debian12:nonroot

# The compiler runs on the platform of the build machine, for any platform of the image. BuildKit knows that platform. Docker's
# classic builder and buildah may not: on a machine of another platform than the default they need --build-arg NATIVE=….
ARG NATIVE=linux/amd64
FROM --platform=${BUILDPLATFORM:-$NATIVE} ${BUILDER} AS build
ARG TARGETOS
ARG TARGETARCH
ARG VERSION
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY certs certs
COPY cmd cmd
COPY webhook webhook
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /pullgate ./cmd/pullgate

FROM ${BASE}
ARG VERSION
LABEL org.opencontainers.image.title="Pullgate" \
      org.opencontainers.image.description="A Kubernetes admission webhook that predicts ImagePullBackOff" \
      org.opencontainers.image.source="https://github.com/pullgate/pullgate" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build /pullgate /pullgate
# A number, since the kubelet cannot check that a user name is not root.
USER 65532:65532
ENTRYPOINT ["/pullgate"]
CMD ["serve"]
