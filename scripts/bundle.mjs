// Makes dist/, which bin/berth runs, or the directory that it is given; npm's `prepare` calls it.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundleScript } from './esbuild.mjs';
import { compilePrograms, makePrograms } from './make-programs.mjs';

const [dist = 'dist'] = process.argv.slice(2);
rmSync(dist, { recursive: true, force: true });
await makePrograms(dist);
await bundleScript('scripts/start.cjs', join(dist, 'berth.cjs'));
mkdirSync(join(dist, 'cache'));
compilePrograms(dist, (name) => join(dist, 'cache', `${process.version}-${process.arch}-${name}`));
