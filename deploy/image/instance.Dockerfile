# What runs on machines elsewhere (Fly): the base of deploy/image/Dockerfile with Node, npm and Catwalk's bridge. It is told
# what to run when it starts (src/runtimes/elsewhere/document.ts), and refuses to start without a secret.
#   docker build -t catwalk/base:1 deploy/image
#   npm run image
#   docker build -t catwalk/instance:1 -f deploy/image/instance.Dockerfile dist/image
ARG BASE=catwalk/base:1
FROM ${BASE}
# Homes are made by whatever user it runs as, and an empty volume or memory that is put here takes this over.
RUN chmod 1777 /home
COPY node /opt/catwalk/toolchain/bin/node
COPY npm /opt/catwalk/toolchain/npm
COPY instance.mjs /opt/catwalk/instance.mjs
EXPOSE 8080
ENTRYPOINT ["/opt/catwalk/toolchain/bin/node", "--disable-warning=ExperimentalWarning", "/opt/catwalk/instance.mjs"]
