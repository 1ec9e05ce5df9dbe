// Makes dist/berth.cjs, the one file that bin/berth runs. npm's `prepare` calls it.
import { build } from 'esbuild';

await build({
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/berth.cjs',
  bundle: true,
  platform: 'node',
  target: 'node24',
  // One CommonJS file: it starts quicker than modules, and a single executable takes nothing else.
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  legalComments: 'none',
  logLevel: 'warning',
});
