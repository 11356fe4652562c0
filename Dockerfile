# Ringbridge alone; docker-compose.yml puts it beside drachtio-server and FreeSWITCH.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json prices.json ./
COPY bin bin
COPY audio audio
COPY dialplans dialplans
# Records belong to whom they are written by; a volume that is mounted here first takes over the owner.
RUN mkdir /data && chown node:node /data
VOLUME ["/data"]
USER node
ENV RINGBRIDGE_DATA=/data
# Ready: there is a link to a SIP server, and calls are taken.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# SIGTERM reaches node itself, and drains.
ENTRYPOINT ["node", "bin/ringbridge.js"]
CMD ["serve"]
