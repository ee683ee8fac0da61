import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const page = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// `npm run dev` serves the pages itself and hands the API's path to a running server.
const server = process.env['FRONTROW_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // Every browser with `color-mix` and `Array.prototype.at`; what is older gets the plain parts.
    target: 'es2022',
    // The policy allows no `data:` scripts, and one request for a small picture costs nothing here.
    assetsInlineLimit: 0,
    // Monaco is large by nature, and only the GraphiQL page loads it.
    chunkSizeWarningLimit: 6000,
    rolldownOptions: {
      // GraphiQL's libraries carry React server directives, which mean nothing in a browser bundle.
      onwarn: (warning, warn) => warning.code !== 'MODULE_LEVEL_DIRECTIVE' && warn(warning),
      input: {
        fan: page('index.html'),
        organiser: page('organiser/index.html'),
        graphiql: page('graphiql/index.html'),
      },
    },
  },
  worker: { format: 'es' },
  server: { proxy: { '/graphql': { target: server, ws: true } } },
});
