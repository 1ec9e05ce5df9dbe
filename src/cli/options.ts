import { type Command, InvalidArgumentError, Option } from 'commander';
import { type EngineId, isEngineId } from '../common/engine-id.ts';
import { parseSize } from '../common/parse-size.ts';
import type { BindMode } from '../discovery/reference.ts';
import type { HostOptions } from '../host/options.ts';
import type { ProgressMode } from './render/progress.ts';

/** The flags of every command. */
export interface CommonOptions {
  readonly engine?: EngineId;
  readonly stateDir?: string;
  readonly config?: string;
  readonly user?: boolean;
  readonly format: Format;
  readonly progress: ProgressMode;
  readonly progressFd: number;
  readonly debug?: boolean;
}

export type Format = 'table' | 'wide' | 'json' | 'refs';

const formats: readonly Format[] = ['table', 'wide', 'json', 'refs'];

/** Whether a format is for people, who are told more on standard error. */
export function isTable(format: string): boolean {
  return format === 'table' || format === 'wide';
}

/** The additional flags of commands that read a root. */
export interface RootOptions extends CommonOptions {
  readonly bind?: BindMode;
  readonly id?: string;
}

/** The additional flag of commands that download much. */
export interface RateOptions {
  /** In bytes a second. */
  readonly limitRate?: number;
}

/** The flags that say how the host is opened and where its progress is reported. */
export type HostFlags = Omit<CommonOptions, 'format'> &
  RateOptions & {
    readonly downloadOnly?: boolean;
  };

/** Turns flags into options of the host. */
export function hostOptions(flags: HostFlags): HostOptions {
  const { engine, stateDir: stateDirectory, config, user, limitRate, downloadOnly } = flags;
  return { engine, stateDirectory, config, user, limitRate, downloadOnly };
}

/**
 * Adds the common flags to a command, after its own: flags that are added later would be listed among them.
 *
 * @param choices the values of `--format`; none for a command whose result has one format.
 */
export function withCommonOptions(command: Command, choices: readonly string[] = formats): Command {
  command.optionsGroup(COMMON);
  if (choices.length > 0) withFormats(command, choices);
  return command
    .addOption(
      new Option(
        '--engine <name>',
        'look only at images that this engine runs: podman, podman:USER, docker, containerd, ' +
          'containerd:NAMESPACE, crio; or keep all images in berth’s own store: store',
      ).argParser(engine),
    )
    .option(
      '--user',
      'look only at what the calling user’s podman runs, with state of the user’s own; the default without root',
    )
    .option('--state-dir <dir>', 'directory of records and the embedded store (or BERTH_STATE_DIR)')
    .option('--config <file>', 'read this berth.toml and no other')
    .addOption(
      new Option(
        '--progress <mode>',
        'progress on standard error; none still shows warnings and failures',
      )
        .choices(['auto', 'tty', 'plain', 'json', 'none'])
        .default('auto'),
    )
    .addOption(
      new Option('--progress-fd <n>', 'write the progress to this open descriptor')
        .argParser(descriptor)
        .default(2),
    )
    .option('--debug', 'print the stack of an error')
    .addHelpOption(new Option('-h, --help', 'display help for command').helpGroup(COMMON));
}

/** The heading of the flags that all commands have. */
export const COMMON = 'Options of every command:';

/**
 * Adds `-o FORMAT`; `-q` for the names alone; and `-f FORMAT`, which skopeo and podman use, unless -f is taken.
 */
function withFormats(command: Command, choices: readonly string[]): void {
  command.addOption(
    new Option('-o, --format <format>', 'format of the result on standard output')
      .choices(choices)
      .default('table'),
  );
  const set = (format: string) => command.setOptionValueWithSource('format', format, 'cli');
  if (choices.includes('refs')) {
    command
      .addOption(new Option('-q, --quiet', 'only names: `--format refs`'))
      .on('option:quiet', () => set('refs'));
  }
  if (command.options.some(({ short }) => short === '-f')) return;
  command.addOption(new Option('-f <format>', 'as -o').choices(choices)).on('option:f', set);
}

/** Adds the flags of a command that decides which references of a root are bound. */
export function withRootOptions(command: Command, choices?: readonly string[]): Command {
  return withCommonOptions(
    command
      .addOption(
        new Option(
          '--bind <mode>',
          'which images must be present, whatever the mode in berth.toml; kept for the root by `berth stage`',
        ).choices(['linked', 'enabled', 'all']),
      )
      .option('--id <id>', 'the id of the root, if no updater names it'),
    choices,
  );
}

/** Adds the flag of a command that downloads much. */
export function withLimitRate(command: Command): Command {
  return command.addOption(
    new Option(
      '--limit-rate <bytes>',
      'limit of downloads per second: 500kB, 2MB, 2MiB; by default as berth.toml says',
    ).argParser(rate),
  );
}

function engine(text: string): EngineId {
  if (!isEngineId(text)) {
    throw new InvalidArgumentError(
      'Expected podman, podman:USER, docker, containerd, containerd:NAMESPACE, crio or store.',
    );
  }
  return text;
}

/** In bytes a second. Who gives less has left out the unit. */
const LEAST_RATE = 1000;

function rate(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes === 0) {
    throw new InvalidArgumentError('Expected bytes a second, such as 500kB, 2MB or 2MiB.');
  }
  if (bytes < LEAST_RATE) {
    throw new InvalidArgumentError(
      `${text} is ${bytes} bytes a second, and an image would take days: write 500kB, 2MB or 2MiB.`,
    );
  }
  return bytes;
}

function descriptor(text: string): number {
  if (!/^\d{1,6}$/.test(text))
    throw new InvalidArgumentError('Expected the number of an open descriptor.');
  return Number(text);
}
