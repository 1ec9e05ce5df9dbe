// Becomes dist/berth.cjs, which bin/berth runs: starts the bundle with what V8 compiled of it before.
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`berth: expected Node 24 or later, found ${process.versions.node}`);
  console.error('  → npm brings one for Linux on x86-64 and arm64; elsewhere install one');
  process.exit(2);
}

const { readFileSync } = require('node:fs');
const { enableCompileCache, wrap } = require('node:module');
const { Script } = require('node:vm');

const main = `${__dirname}/main.cjs`;
const run = compiledMain();
if (run === undefined) {
  // Another Node than the one that the bundle was made with: Node's own cache is slower, and made anew.
  enableCompileCache(`${__dirname}/cache`);
  require('./main.cjs');
} else {
  run(exports, require, module, main, __dirname);
}

/** The bundle as a function. Nothing else of it stays in memory: its compiled code is 1.6 MB. */
function compiledMain() {
  const cachedData = readCompiled();
  if (cachedData === undefined) return undefined;
  // The bundle is pure ASCII, and V8 keeps a text of Latin-1 in one byte for each character.
  const source = wrap(readFileSync(main, 'latin1'));
  return new Script(source, { filename: main, cachedData }).runInThisContext();
}

/**
 * The compiled code for the help is a third of that for commands, and is read in half the time. A watch, which
 * stays for weeks, compiles what else it needs: that is less memory.
 */
function readCompiled() {
  const words = process.argv.slice(2);
  const needsLittle = words[0] === 'watch' || words.every((word) => word.startsWith('-'));
  const name = `${process.version}-${process.arch}-${needsLittle ? 'help' : 'commands'}`;
  try {
    return readFileSync(`${__dirname}/cache/${name}`);
  } catch {
    return undefined;
  }
}
