// `node compile.cjs MAIN OUTPUT COMMAND…`: runs the bundle MAIN once for each command line, a JSON array of
// words, and writes to OUTPUT what V8 has compiled meanwhile: Node's own caches hold only the top level.
const { readFileSync, writeFileSync } = require('node:fs');
const { wrap } = require('node:module');
const v8 = require('node:v8');
const { Script } = require('node:vm');

const [main, output, ...commands] = process.argv.slice(2);
// V8 takes compiled code only with the flags with which the code was written.
v8.setFlagsFromString = () => {};
const script = new Script(wrap(readFileSync(main, 'latin1')), { filename: main });
const run = script.runInThisContext();
process.on('beforeExit', next);
process.on('exit', () => writeFileSync(output, script.createCachedData()));
next();

function next() {
  const command = commands.shift();
  if (command === undefined) return;
  process.argv.splice(1, Number.POSITIVE_INFINITY, main, ...JSON.parse(command));
  const module = { exports: {} };
  run(module.exports, require, module, main, __dirname);
}
