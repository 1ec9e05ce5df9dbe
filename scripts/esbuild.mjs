import { build } from 'esbuild';

/**
 * Those of Node's own modules take milliseconds to load, and most commands need none of them: they
 * are loaded when something of them is first used.
 */
const late = {
  name: 'late',
  setup(on) {
    on.onResolve({ filter: /^node:(?:child_process|crypto|zlib)$/ }, ({ path, namespace }) =>
      namespace === 'late' ? { path, external: true } : { path, namespace: 'late' },
    );
    on.onLoad({ filter: /./, namespace: 'late' }, ({ path }) => {
      const names = JSON.stringify(Object.keys(process.getBuiltinModule(path)));
      const get = `() => require('${path}')[name]`;
      const contents = `for (const name of ${names}) Object.defineProperty(exports, name, { enumerable: true, get: ${get} });`;
      return { contents };
    });
  },
};

/**
 * All of berth as one CommonJS file: it starts quicker than modules, and a single executable takes
 * nothing else. What the sources load lazily is in it and still evaluated only when asked for.
 *
 * @param {string} outfile
 */
export async function bundle(outfile) {
  await build({
    entryPoints: ['src/cli/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // A single executable has no way to load modules, and needs none for Node's own.
    supported: { 'dynamic-import': false },
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [late],
  });
}
