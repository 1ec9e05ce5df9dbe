// What berth is as files: `main` runs every command. Other files are leaner, since V8 takes milliseconds and
// megabytes for code, whether it runs or not, and start sooner.

/**
 * @typedef {object} Program
 * @property {readonly string[]} commands that the file can run, none for the help.
 * @property {readonly string[]} [without] modules that lazy imports in the sources name, and these commands never reach.
 */

/** @type {Readonly<Record<string, Program>>} */
const lean = {
  help: { commands: [] },
  images: { commands: ['images'], without: ['./context.ts'] },
  verify: { commands: ['verify'] },
  watch: { commands: ['watch'] },
};

/**
 * The name of the file that runs a command line.
 *
 * @param {readonly string[]} words
 */
function programFor(words) {
  if (words.every((word) => word.startsWith('-'))) return 'help';
  const [command = ''] = words;
  return Object.hasOwn(lean, command) ? command : 'main';
}

module.exports = { lean, programFor };
