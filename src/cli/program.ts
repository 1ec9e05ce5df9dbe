import { Command } from 'commander';
import { version } from '../common/version.ts';
import { CliError } from './errors.ts';
import { fitted, helpLayout, helpWidth, programHelp } from './help.ts';
import { commandsMeantBy } from './meanings.ts';
import { shownLines } from './render/shown.ts';
import { mayBeTerminal, writeOut } from './standard-streams.ts';

interface CommandEntry {
  readonly usage: string;
  readonly summary: string;
  /** Loads the modules of the command, and adds its flags and its action. */
  readonly define: (command: Command) => Promise<void>;
}

const commands: Readonly<Record<string, CommandEntry>> = {
  images: {
    usage: 'images [root]',
    summary: 'list the images that a root names',
    define: async (c) => (await import('./commands/images.ts')).defineImages(c),
  },
  plan: {
    usage: 'plan [root]',
    summary: 'show what staging a root would do, in bytes',
    define: async (c) => (await import('./commands/plan.ts')).definePlan(c),
  },
  stage: {
    usage: 'stage [root]',
    summary: 'fetch and pin every bound image of a root',
    define: async (c) => (await import('./commands/stage.ts')).defineStage(c),
  },
  verify: {
    usage: 'verify [root]',
    summary: 'check that every image of a staged root is present and pinned',
    define: async (c) => (await import('./commands/verify.ts')).defineVerify(c),
  },
  status: {
    usage: 'status',
    summary: 'show every staged root and its images',
    define: async (c) => (await import('./commands/status.ts')).defineStatus(c),
  },
  why: {
    usage: 'why <name> [root]',
    summary: 'show who names an image, or what a unit names, how it starts, and who holds it',
    define: async (c) => (await import('./commands/why.ts')).defineWhy(c),
  },
  report: {
    usage: 'report [root]',
    summary: 'write a page of HTML about a root, or about all roots of this host',
    define: async (c) => (await import('./commands/report.ts')).defineReport(c),
  },
  pins: {
    usage: 'pins',
    summary: 'list the pins that engines hold',
    define: async (c) => (await import('./commands/pins.ts')).definePins(c),
  },
  pin: {
    usage: 'pin <image...>',
    summary: 'pin present images by hand',
    define: async (c) => (await import('./commands/pin.ts')).definePin(c),
  },
  unpin: {
    usage: 'unpin <image-or-name>',
    summary: 'drop a pin made by hand',
    define: async (c) => (await import('./commands/pin.ts')).defineUnpin(c),
  },
  pull: {
    usage: 'pull [image...]',
    summary: 'fetch images by name, from a list, or all images of a root',
    define: async (c) => (await import('./commands/pull.ts')).definePull(c),
  },
  lock: {
    usage: 'lock [root]',
    summary: 'write the digests of a root’s images into the root, for every host',
    define: async (c) => (await import('./commands/lock.ts')).defineLock(c),
  },
  ship: {
    usage: 'ship [root]',
    summary: 'write the bound images into a root, for its first boot',
    define: async (c) => (await import('./commands/ship.ts')).defineShip(c),
  },
  bundle: {
    usage: 'bundle [root]',
    summary: 'write the bound images into one file, for a site without a network',
    define: async (c) => (await import('./commands/bundle.ts')).defineBundle(c),
  },
  load: {
    usage: 'load <file>',
    summary: 'read a bundle, so that staging needs no network',
    define: async (c) => (await import('./commands/load.ts')).defineLoad(c),
  },
  lint: {
    usage: 'lint [root]',
    summary: 'report faults of a root before it ships',
    define: async (c) => (await import('./commands/lint.ts')).defineLint(c),
  },
  release: {
    usage: 'release <root>',
    summary: 'drop the pins of a root, even if its tree has gone',
    define: async (c) => (await import('./commands/release.ts')).defineRelease(c),
  },
  reconcile: {
    usage: 'reconcile',
    summary: 'stage the roots that live, release roots that have gone',
    define: async (c) => (await import('./commands/reconcile.ts')).defineReconcile(c),
  },
  watch: {
    usage: 'watch',
    summary: 'put back what others take away: images, names and pins',
    define: async (c) => (await import('./commands/watch.ts')).defineWatch(c),
  },
  activate: {
    usage: 'activate',
    summary: 'at boot: make the booted root’s names mean what is on record',
    define: async (c) => (await import('./commands/activate.ts')).defineActivate(c),
  },
  gate: {
    usage: 'gate',
    summary: 'at shutdown: hold back a queued root that lacks images',
    define: async (c) => (await import('./commands/gate.ts')).defineGate(c),
  },
  apply: {
    usage: 'apply [root]',
    summary: 'without a reboot: fetch, then restart the services that changed',
    define: async (c) => (await import('./commands/apply.ts')).defineApply(c),
  },
  prune: {
    usage: 'prune',
    summary: 'remove images that berth fetched and no root needs',
    define: async (c) => (await import('./commands/prune.ts')).definePrune(c),
  },
  completion: {
    usage: 'completion <shell>',
    summary: 'print a script with which bash, zsh or fish completes berth',
    define: async (c) => (await import('./commands/completion.ts')).defineCompletion(c),
  },
};

/**
 * The command line of berth. Only the command that `argv` asks for is loaded, so that berth starts
 * quickly; the others have only their names and summaries, for the help.
 */
export async function programOf(argv: readonly string[]): Promise<Command> {
  const program = new Command('berth')
    .description(
      'Every container that the next OS needs is at its berth before the machine boots into it.',
    )
    .version(version)
    .exitOverride()
    .showHelpAfterError('  → see berth --help, or berth COMMAND --help')
    .configureOutput({
      writeOut: (text) => writeOut(fitted(text, helpWidth())),
      getOutHelpWidth: helpWidth,
      ...(mayBeTerminal(1) ? {} : { getOutHasColors: () => false }),
      // Error messages quote the command line, which may hold control characters.
      writeErr: (text) => process.stderr.write(shownLines(text)),
      outputError: (text, write) =>
        write(text.replace(/^error: /, 'berth: ').replace(/\n(?=\()/, ' ')),
    })
    .configureHelp(helpLayout)
    .addHelpText('after', programHelp);
  const first = argv.find((word) => !word.startsWith('-'));
  const wanted = first === 'help' ? argv[argv.indexOf(first) + 1] : first;
  if (wanted === ASKED_BY_SHELLS) await addComplete(program);
  refuseUnknown(wanted);
  for (const [name, { usage, summary, define }] of Object.entries(commands)) {
    const command = program.command(usage).summary(summary);
    for (const argument of command.registeredArguments) {
      argument.description = argumentHelp(argument.name(), name);
    }
    if (name === wanted) await define(command);
  }
  return program;
}

/** The command that shells ask for completions. No help shows it, and no other command line loads it. */
const ASKED_BY_SHELLS = 'complete';

async function addComplete(program: Command): Promise<void> {
  const { defineComplete } = await import('./commands/completion.ts');
  defineComplete(program.command(`${ASKED_BY_SHELLS} [words...]`, { hidden: true }), programOf);
}

/** Refuses a command of other programs with the one that is meant. Others get the nearest spelling. */
function refuseUnknown(name: string | undefined): void {
  if (name === undefined || Object.hasOwn(commands, name)) return;
  const hint = commandsMeantBy(name);
  if (hint !== undefined) throw new CliError('usage', `unknown command '${name}'`, { hint });
}

function argumentHelp(argument: string, command: string): string {
  if (argument === 'image') return command === 'pull' ? 'its name' : 'its name, digest or ID';
  if (argument === 'shell') return 'whose completion it is';
  if (argument !== 'root') return '';
  if (command === 'lock' || command === 'ship') return 'a directory, or fd:N for an open one';
  const id = ['verify', 'release', 'report'].includes(command) ? 'an id, ' : '';
  return `${id}a directory, fd:N, image:REF, or booted, staged, rollback: \`berth --help\` says more`;
}
