# Built in one image, run from another that holds only what runs: compiled sources and their packages.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
COPY vendor vendor
COPY scripts/setup.js scripts/
RUN node scripts/setup.js
COPY . .
RUN npm run build \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/node-linux-*

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /causeway
COPY --from=build /build/package.json /build/causeway.js /build/LICENSE ./
COPY --from=build /build/scripts/launch.js /build/scripts/node24.js scripts/
COPY --from=build /build/vendor vendor
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 9993
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9993/health').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/causeway/causeway.js", "--config", "/data/config.yaml"]
CMD ["start"]
