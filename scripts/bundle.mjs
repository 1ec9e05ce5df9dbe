// Makes dist/, which bin/berth runs; npm's `prepare` calls it.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { bundle } from './esbuild.mjs';

rmSync('dist', { recursive: true, force: true });
await bundle('dist/main.cjs');
// V8 compiles the bundle once, here; a start reads what came of it.
writeFileSync(
  'dist/berth.cjs',
  `if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(\`berth: expected Node 24 or later, found \${process.versions.node}\`);
  console.error('  → npm brings one for Linux on x86-64 and arm64; elsewhere install one');
  process.exit(2);
}
require('node:module').enableCompileCache(\`\${__dirname}/cache\`);
require('./main.cjs');
`,
);
execFileSync(process.execPath, ['dist/berth.cjs', '--help'], { stdio: 'ignore' });
