// `node compile.cjs MAIN OUTPUT COMMAND…`: runs the bundle MAIN once for each command line, a JSON array of
// words, and writes to OUTPUT what V8 has compiled meanwhile: Node's own caches hold only the top level.
const { readFileSync, writeFileSync } = require('node:fs');
const { basename } = require('node:path');
const v8 = require('node:v8');
const { Script } = require('node:vm');
const { requireLate } = require('./require-late.cjs');

const [main, output, ...commands] = process.argv.slice(2);
// V8 takes compiled code only with the flags with which the code was written.
v8.setFlagsFromString = () => {};
const script = new Script(readFileSync(main, 'utf8'), { filename: basename(main) });
const run = script.runInThisContext();
process.on('beforeExit', next);
process.on('exit', (code) => {
  writeFileSync(output, script.createCachedData());
  // Not ready is an answer, too.
  if (code === 3) process.exitCode = 0;
});
next();

function next() {
  const command = commands.shift();
  if (command === undefined) return;
  process.argv.splice(1, Number.POSITIVE_INFINITY, main, ...JSON.parse(command));
  run({}, requireLate, {});
}
