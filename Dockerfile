# Assets and a static binary are built here; the image holds the binary (time
# zones inside), CA certificates, and nothing to log in with.

FROM docker.io/library/node:20-bookworm-slim AS assets
WORKDIR /src/static
COPY static/package.json static/package-lock.json static/.npmrc ./
ENV npm_config_cache=/cache/npm
RUN --mount=type=cache,target=/cache npm ci
COPY static ./
COPY views /src/views
RUN npm run build

FROM docker.io/library/golang:1.26-bookworm AS build
WORKDIR /src
ENV GOCACHE=/cache/go
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
COPY --from=assets /src/static/dist ./static/dist
ARG VERSION=development
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/cache \
    CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags "-s -w -X main.release=${VERSION}" -o /out/frontdesk ./cmd/frontdesk \
 && mkdir -p /out/data /out/etc \
 && printf 'frontdesk:x:65532:65532::/data:/\n' > /out/etc/passwd

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/etc/passwd /etc/passwd
COPY --from=build --chown=65532:65532 /out/data /data
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
