# Catwalk itself, with the database that it brings, on the base of deploy/image/Dockerfile. How to run it: docs/docker-image.md
#   docker build -t catwalk/base:1 deploy/image
#   npm run image:catwalk
#   docker build -t catwalk/catwalk:1 -f deploy/image/catwalk.Dockerfile dist/catwalk
ARG BASE=catwalk/base:1
FROM ${BASE}
# The sandbox of servers, for where user namespaces may be made, and a first process that reaps what others leave behind.
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap tini \
 && rm -rf /var/lib/apt/lists/*
# The database does not run as a user that has no name.
RUN useradd --uid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin catwalk \
 && install -d -o catwalk -g catwalk /data
COPY . /opt/catwalk
RUN ln -s /opt/catwalk/node_modules/node-*/bin/node /opt/catwalk/bin/catwalk /usr/local/bin/
ENV CATWALK_HOST=0.0.0.0 CATWALK_DATA_DIR=/data/catwalk
USER 10001:10001
VOLUME /data
EXPOSE 7420
ENTRYPOINT ["tini", "--", "catwalk"]
CMD ["serve"]
