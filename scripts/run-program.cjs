const { Script } = require('node:vm');
const { requireLate } = require('./require-late.cjs');

/**
 * Runs a file that esbuild.mjs has made.
 *
 * @param {string} name in stacks.
 * @param {string} source
 * @param {Buffer} [cachedData] what V8 has compiled of the file before. V8 itself finds out whether it fits.
 */
function runProgram(name, source, cachedData) {
  const script = new Script(source, { filename: name, cachedData });
  script.runInThisContext()({}, requireLate, {});
}

module.exports = { runProgram };
