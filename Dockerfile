# Assets and a static binary are built here; the image holds the binary (time
# zones inside), CA certificates, the list of what the binary is made of, and
# nothing to log in with.
#
# The same commit gives the same binary, byte for byte: the versions that build it
# are exact. To hold the bases by their digests too, or to take them from a mirror:
# make image IMAGE_ARGS='--build-arg GO_IMAGE=mirror.example/golang@sha256:…'
ARG NODE_IMAGE=docker.io/library/node:20.20.2-bookworm-slim
ARG GO_IMAGE=docker.io/library/golang:1.26.8-bookworm

FROM ${NODE_IMAGE} AS assets
WORKDIR /src/static
COPY static/package.json static/package-lock.json static/.npmrc ./
ENV npm_config_cache=/cache/npm
RUN --mount=type=cache,target=/cache npm ci
COPY static ./
COPY views /src/views
RUN npm run build

FROM ${GO_IMAGE} AS build
WORKDIR /src
ENV GOCACHE=/cache/go GOTOOLCHAIN=local CGO_ENABLED=0
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
COPY --from=assets /src/static/dist ./static/dist
ARG VERSION=development
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/cache \
    go build -trimpath -buildvcs=false -tags timetzdata -ldflags "-s -w -buildid= -X main.release=${VERSION}" -o /out/frontdesk ./cmd/frontdesk \
 && go run -C .ci/tools ./sbom -version "${VERSION}" -lock /src/static/package-lock.json /out/frontdesk > /out/sbom.cdx.json \
 && mkdir -p /out/data \
 && printf 'frontdesk:x:65532:65532::/data:/\n' > /out/passwd

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/passwd /etc/passwd
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/sbom.cdx.json /sbom.cdx.json
COPY --from=build /out/frontdesk /frontdesk
# There is no /tmp: what wants a temporary file finds a place beside the database.
ENV FRONTDESK_ADDR=:8080 \
    FRONTDESK_DATABASE=/data/frontdesk.db \
    TMPDIR=/data
USER 65532:65532
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s CMD ["/frontdesk", "healthcheck"]
ENTRYPOINT ["/frontdesk"]
CMD ["serve"]
ARG VERSION=development
ARG REVISION=unknown
LABEL org.opencontainers.image.title="frontdesk" \
      org.opencontainers.image.description="The desk of those who look after ATOM customers" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
