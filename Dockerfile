# Frontrow in three steps: the pages, the binary that carries them, and an image with little else.
# docs/deploy.md says how it is run; `make deploy-check` checks what can be checked without a container engine.

FROM node:22-bookworm-slim AS pages
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY schema.graphql ../
COPY web ./
RUN npm run build

# The same Debian as below: the binary needs a libc that is not older than the one it was built with.
FROM rust:1.95-bookworm AS server
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY domain domain
COPY entity entity
COPY migration migration
COPY src src
COPY test-support test-support
COPY --from=pages /src/web/dist web/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --locked --release && cp target/release/frontrow /usr/local/bin/

FROM debian:bookworm-slim
# For PostgreSQL and Redis over TLS.
COPY --from=server /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=server /usr/local/bin/frontrow /usr/local/bin/
# The SQLite database and the signing key of a process that works alone; several need neither from here.
RUN install -d -o 10001 -g 10001 -m 700 /data
VOLUME /data
USER 10001:10001
ENV FRONTROW_LISTEN=0.0.0.0:8080 FRONTROW_DATA=/data
EXPOSE 8080
STOPSIGNAL SIGTERM
# Bash can open a socket, so no curl is needed. A start may have to rebuild long lines: hence the patience at first.
HEALTHCHECK --interval=5s --timeout=5s --retries=3 --start-period=60s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3; read -r -t 4 _ status _ <&3; [[ $status == 200 ]]"]
ENTRYPOINT ["frontrow"]
CMD ["serve"]
