// Makes dist/, which bin/berth runs, or the directory that it is given; npm's `prepare` calls it.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from './esbuild.mjs';
import { writeSampleRoot } from './sample-root.mjs';

const [dist = 'dist'] = process.argv.slice(2);
const main = join(dist, 'main.cjs');
rmSync(dist, { recursive: true, force: true });
await bundle(main);
copyFileSync('scripts/start.cjs', join(dist, 'berth.cjs'));
mkdirSync(join(dist, 'cache'));
const work = mkdtempSync(join(tmpdir(), 'berth-bundle-'));
try {
  const { root, config } = writeSampleRoot(work);
  const images = ['images', '--bind', 'all', '--config', config, root];
  compile('help', [['--help']]);
  compile('commands', [images, [...images, '--format', 'json']]);
} finally {
  rmSync(work, { recursive: true });
}

/** Writes what V8 compiles for some command lines, under the name that start.cjs reads. */
function compile(name, commands) {
  const output = join(dist, 'cache', `${process.version}-${process.arch}-${name}`);
  const words = ['scripts/compile.cjs', main, output];
  execFileSync(process.execPath, [...words, ...commands.map((one) => JSON.stringify(one))], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}
