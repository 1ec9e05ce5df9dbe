// Becomes dist/berth.cjs, which bin/berth runs: starts one of the files beside it with what V8 compiled of it before.
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`berth: expected Node 24 or later, found ${process.versions.node}`);
  console.error('  → install one; in a checkout npm ci brings one for Linux on x86-64 and arm64');
  process.exit(2);
}

const { readFileSync } = require('node:fs');
const { programFor } = require('./programs.cjs');
const { runProgram } = require('./run-program.cjs');

const name = programFor(process.argv.slice(2));
const file = `${__dirname}/${name}.cjs`;
runProgram(file, readFileSync(file, 'utf8'), readCompiled());

/** @returns undefined for another Node than the one that the files were made with. */
function readCompiled() {
  try {
    return readFileSync(`${__dirname}/cache/${process.version}-${process.arch}-${name}`);
  } catch {
    return undefined;
  }
}
