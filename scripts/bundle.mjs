// Makes dist/, which bin/berth runs; npm's `prepare` calls it.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/main.cjs',
  bundle: true,
  platform: 'node',
  target: 'node24',
  // One CommonJS file: it starts quicker than modules, and a single executable takes nothing else.
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
});
// V8 compiles the bundle once, here; a start reads what came of it.
writeFileSync(
  'dist/berth.cjs',
  "require('node:module').enableCompileCache(`${__dirname}/cache`);\nrequire('./main.cjs');\n",
);
execFileSync('bin/berth', ['--help'], { stdio: 'ignore' });
