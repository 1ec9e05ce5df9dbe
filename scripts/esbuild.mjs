import { basename } from 'node:path';
import { build } from 'esbuild';

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
 * Makes a program of one file, an expression that is the function of a CommonJS module: such a file starts quicker than
 * modules, and a single executable takes nothing else. What the sources load lazily is in the file, and still evaluated
 * only when asked for.
 *
 * @param {string} outfile
 * @param {import('./programs.cjs').Program} [program] that can do only a part; all of berth by default.
 */
export async function bundle(outfile, program) {
  await build(programOptions(outfile, program));
}

/**
 * The files of which something is in `main`, which has all that the other programs have.
 *
 * @returns {Promise<readonly string[]>} sorted.
 */
export async function filesInside() {
  const asked = { ...programOptions('main.cjs'), metafile: true, write: false };
  const { metafile } = await build(asked);
  return Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([file]) => file)
    .sort();
}

const programOptions = (outfile, program) => ({
  ...options,
  entryPoints: ['src/cli/main.ts'],
  outfile,
  // A single executable has no way to load modules, and needs none for Node's own.
  supported: { 'dynamic-import': false },
  plugins: program === undefined ? [] : [only(program)],
  inject: ['src/engine/grpc/light-headers.ts'],
  // Here, since a text that is put together when it is read would take its memory twice.
  banner: { js: '(function (exports, require, module) {' },
  footer: { js: '})' },
});

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
