// `node npm-package.mjs DIRECTORY`: makes DIRECTORY/berth-VERSION.tgz, which npx runs with the caller's own Node. All
// libraries are in the programs, so that npm installs no other package, and runs no script of this one.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bundleScript } from './esbuild.mjs';
import { makePrograms } from './make-programs.mjs';

const [directory = 'dist'] = process.argv.slice(2);
const target = resolve(directory);
const work = join(target, 'npm');
process.chdir(resolve(import.meta.dirname, '..'));
rmSync(work, { recursive: true, force: true });
mkdirSync(join(work, 'bin'), { recursive: true });
await makePrograms(join(work, 'dist'));
await bundleScript('scripts/start.cjs', join(work, 'dist/berth.cjs'));
for (const file of ['bin/berth', 'LICENSE']) copyFileSync(file, join(work, file));
writeFileSync(join(work, 'README.md'), readme());
writeFileSync(join(work, 'package.json'), `${JSON.stringify(manifest(), undefined, 2)}\n`);
for (const [script, file] of [
  ['notices', 'NOTICES'],
  ['sbom', 'berth.spdx.json'],
]) {
  execFileSync(process.execPath, [`scripts/${script}.mjs`, join(work, file)], { stdio: 'inherit' });
}
const words = ['pack', work, '--pack-destination', target, '--logs-max=0', '--loglevel=error'];
execFileSync('npm', words, { stdio: ['ignore', 'ignore', 'inherit'] });
rmSync(work, { recursive: true });

function manifest() {
  const { name, version, description, license, type, bin } = JSON.parse(
    readFileSync('package.json', 'utf8'),
  );
  // The programs are made for this Node: start.cjs refuses earlier ones.
  return {
    name,
    version,
    description,
    license,
    type,
    bin,
    engines: { node: '>=24' },
    os: ['linux'],
  };
}

/** The first part of the README: the pages that the rest links to are not in the package. */
function readme() {
  const text = readFileSync('README.md', 'utf8');
  return text.slice(0, text.indexOf('\n\n', text.indexOf('On an image-based Linux host')) + 1);
}
