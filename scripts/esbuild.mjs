import { basename } from 'node:path';
import { build } from 'esbuild';

/**
 * Those of Node's own modules take milliseconds to load, and most commands need none of them: they
 * are loaded when something of them is first used.
 */
const late = {
  name: 'late',
  setup(on) {
    const filter =
      /^(?:node:)?(?:child_process|crypto|https?|http2|net|os|sqlite|stream|stream\/promises|tls|v8|zlib)$/;
    on.onResolve({ filter }, ({ path, namespace }) =>
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
 * Leaves out what a program does not need.
 *
 * @param {import('./programs.cjs').Program} program
 */
const only = ({ commands, without = [] }) => ({
  name: 'only',
  setup(on) {
    on.onResolve({ filter: /^\.\/commands\// }, ({ path }) =>
      commands.includes(basename(path, '.ts')) ? undefined : { path, external: true },
    );
    on.onResolve({ filter: /^\./ }, ({ path, kind }) =>
      kind === 'dynamic-import' && without.includes(path) ? { path, external: true } : undefined,
    );
  },
});

/**
 * Makes a program of one file, an expression that is the function of a CommonJS module: it starts quicker than modules, and a single executable takes
 * nothing else. What the sources load lazily is in it and still evaluated only when asked for.
 *
 * @param {string} outfile
 * @param {import('./programs.cjs').Program} [program] that can do only a part; all of berth by default.
 */
export async function bundle(outfile, program) {
  await build({
    ...options,
    entryPoints: ['src/cli/main.ts'],
    outfile,
    // A single executable has no way to load modules, and needs none for Node's own.
    supported: { 'dynamic-import': false },
    plugins: program === undefined ? [late] : [late, only(program)],
    inject: ['src/engine/grpc/light-headers.ts'],
    // Here, since a text that is put together when it is read would take its memory twice.
    banner: { js: '(function (exports, require, module) {' },
    footer: { js: '})' },
  });
}

/**
 * Makes one file of a script and those that it requires.
 *
 * @param {string} script
 * @param {string} outfile
 */
export async function bundleScript(script, outfile) {
  await build({ ...options, entryPoints: [script], outfile });
}

/** @type {import('esbuild').BuildOptions} */
const options = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
};
