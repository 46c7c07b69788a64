# The images of the gateway and the operator: one static program each, and nothing else.
#
#   docker build --target gateway -t pushgateway .
#   docker build --target operator -t pushgateway-operator .
#
# gateway-prebuilt and operator-prebuilt copy what `scripts/dist` put into dist/<architecture>/ before.
# The build runs on the builder's own architecture and links for the image's.

ARG RUST_VERSION=1.95

FROM --platform=$BUILDPLATFORM docker.io/library/rust:${RUST_VERSION}-bookworm AS build
ARG TARGETARCH
WORKDIR /source
RUN set -eu; \
    case "$TARGETARCH" in \
      amd64) target=x86_64-unknown-linux-gnu ;; \
      arm64) target=aarch64-unknown-linux-gnu ;; \
      *) echo "no images for the architecture $TARGETARCH, only amd64 and arm64" >&2; exit 1 ;; \
    esac; \
    if [ "$(dpkg --print-architecture)" != "$TARGETARCH" ]; then \
      rustup target add "$target"; \
      apt-get update; \
      apt-get install -y --no-install-recommends "gcc-${target%%-*}-linux-gnu" "libc6-dev-$TARGETARCH-cross"; \
    fi; \
    echo "$target" >/target.txt
COPY Cargo.toml Cargo.lock build.rs ./
COPY scripts scripts
COPY src src
# Shown by `--version` and pushgateway_build_info.
ARG REVISION=unknown
ENV PUSHGATEWAY_REVISION=$REVISION \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CARGO_TARGET_DIR=/target

FROM build AS build-gateway
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/target \
    TARGET=$(cat /target.txt) DIST=/image scripts/dist pushgateway

FROM build AS build-operator
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/target \
    TARGET=$(cat /target.txt) DIST=/image scripts/dist pushgateway-operator

# What all images have in common.
FROM scratch AS frame
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.source="https://github.com/pushgateway/pushgateway" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
STOPSIGNAL SIGTERM

# What an image of the Go Pushgateway promises is kept: the entry point, the port, the user, so that its volumes stay readable,
# and a working folder that this user may write to.
FROM frame AS gateway-frame
LABEL org.opencontainers.image.title="pushgateway" \
      org.opencontainers.image.description="A durable, fast drop-in for the Prometheus Pushgateway"
# Two heaps for all threads, and large buffers given back. Most of what a push frees was allocated by another thread, so that
# a heap for each keeps holes; one for all makes pushes over many connections wait for each other.
ENV GLIBC_TUNABLES=glibc.malloc.arena_max=2:glibc.malloc.trim_threshold=131072:glibc.malloc.mmap_threshold=131072
USER 65534:65534
EXPOSE 9091
ENTRYPOINT ["/bin/pushgateway"]

FROM frame AS operator-frame
LABEL org.opencontainers.image.title="pushgateway-operator" \
      org.opencontainers.image.description="Runs Pushgateways on Kubernetes, each from one object"
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/bin/pushgateway-operator"]

FROM gateway-frame AS gateway-prebuilt
ARG TARGETARCH
COPY --chown=65534:65534 dist/$TARGETARCH/writable/ /
COPY dist/$TARGETARCH/bin/pushgateway /bin/pushgateway
WORKDIR /pushgateway

FROM operator-frame AS operator-prebuilt
ARG TARGETARCH
COPY dist/$TARGETARCH/bin/pushgateway-operator /bin/pushgateway-operator

FROM operator-frame AS operator
COPY --from=build-operator /image/bin/pushgateway-operator /bin/pushgateway-operator

# The last one is what a build without --target makes.
FROM gateway-frame AS gateway
COPY --from=build-gateway --chown=65534:65534 /image/writable/ /
COPY --from=build-gateway /image/bin/pushgateway /bin/pushgateway
WORKDIR /pushgateway
