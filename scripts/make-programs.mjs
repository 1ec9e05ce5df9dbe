import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from './esbuild.mjs';
import { lean } from './programs.cjs';
import { writeSampleRoot } from './sample-root.mjs';

/**
 * Makes the files that programs.cjs lists.
 *
 * @param {string} directory
 * @returns {Promise<readonly string[]>} their names: `main` is in `main.cjs`.
 */
export async function makePrograms(directory) {
  for (const [name, program] of Object.entries(lean)) {
    await bundle(join(directory, `${name}.cjs`), program);
  }
  await bundle(join(directory, 'main.cjs'));
  return [...Object.keys(lean), 'main'];
}

/**
 * Writes what V8 compiles of these files for usual command lines.
 *
 * @param {string} directory
 * @param {(name: string) => string} output the file for a program.
 */
export function compilePrograms(directory, output) {
  const work = mkdtempSync(join(tmpdir(), 'berth-compile-'));
  try {
    for (const [name, commands] of Object.entries(usual(work))) {
      // Two builds are equal byte for byte, in what V8 compiles too.
      const words = [
        '--predictable',
        'scripts/compile.cjs',
        join(directory, `${name}.cjs`),
        output(name),
      ];
      const lines = commands.map((one) => JSON.stringify(one));
      execFileSync(process.execPath, [...words, ...lines], { stdio: ['ignore', 'ignore', 'pipe'] });
    }
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** Command lines for each program that need no engine. */
function usual(work) {
  const images = ['images', '--bind', 'all', '--config', '/dev/null', writeSampleRoot(work)];
  const state = ['--engine', 'store', '--state-dir', join(work, 'state')];
  return {
    help: [['--help']],
    images: [images, [...images, '--format', 'json']],
    verify: [['verify', ...state, 'none']],
    watch: [],
    main: [images, ['stage', '--help']],
  };
}
