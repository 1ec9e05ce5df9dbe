// What berth is as files: `main` runs every command. Other files are leaner, since V8 takes milliseconds and
// megabytes for code, whether it runs or not, and start sooner.

/**
 * @typedef {object} Program
 * @property {readonly string[]} commands that the file can run, none for the help.
 * @property {readonly string[]} [without] modules that lazy imports in the sources name, and that no command line of
 *   this program reaches.
 */

/** @type {Readonly<Record<string, Program>>} */
const lean = {
  help: { commands: [] },
  images: {
    commands: ['images'],
    without: [
      './context.ts',
      './os-image.ts',
      '../registry/host.ts',
      '../registry/retry.ts',
      '../registry/limits.ts',
    ],
  },
  verify: { commands: ['verify'] },
  watch: { commands: ['watch'] },
};

/**
 * An OS image, or a deployment that may be read from one: bootc's composefs deployments that are not booted have no tree
 * on disk, and a digest as their id.
 */
const MAY_BE_IMAGE = /^(?:image:.*|staged|rollback|[0-9a-f]{64,128})$/;

/**
 * The name of the file that runs a command line.
 *
 * @param {readonly string[]} words
 */
function programFor(words) {
  if (words.every((word) => word.startsWith('-'))) return 'help';
  // Only `main` has the code that reads OS images.
  if (words.some((word) => MAY_BE_IMAGE.test(word))) return 'main';
  const [command = ''] = words;
  return Object.hasOwn(lean, command) ? command : 'main';
}

module.exports = { lean, programFor };
