import type { Command } from 'commander';
import { type Binding, bindingsOf } from '../../binding/bindings.ts';
import { survey } from '../../binding/survey.ts';
import { append } from '../../common/append.ts';
import { failureEntry } from '../../documents/entries.ts';
import type { Host } from '../../host/host.ts';
import { namesMeantBy } from '../../host/names.ts';
import { hostPlatform } from '../../image/platform.ts';
import { pull } from '../../lifecycle/pull.ts';
import { checkedId, MANUAL } from '../../state/root-id.ts';
import { CliError } from '../errors.ts';
import { suitDownloads } from '../heap.ts';
import {
  type CommonOptions,
  type RateOptions,
  withCommonOptions,
  withLimitRate,
} from '../options.ts';
import { print } from '../output.ts';
import { digestColumn, imageColumn } from '../render/columns.ts';
import { exitCodeOf } from '../render/failure.ts';
import { shortDigest } from '../render/plan.ts';
import { printFailures, printProblems } from '../render/problems.ts';
import { renderTable } from '../render/table.ts';
import { reading, withHost } from '../with-host.ts';

interface PullFlags extends CommonOptions, RateOptions {
  readonly allImagesFromRoot?: string;
  readonly pin?: string;
}

/** The limit for standard input, in bytes: more names than any root lists. */
const MAX_LIST_BYTES = 8 * 1024 * 1024;

/** `berth pull`: fetch a list of images, for scripts and for updaters that know what they need. */
export function definePull(command: Command): void {
  withCommonOptions(
    withLimitRate(command)
      .description(
        'Fetch IMAGES (`-`: one per line from standard input, `#` begins a comment) and print what ' +
          'was fetched. Records nothing, and pins nothing without --pin.',
      )
      .option(
        '--all-images-from-root <fd>',
        'every image that the root in this open directory names',
      )
      .option('--pin <name>', 'pin what was fetched by hand, under this name'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth images ./rootfs --format refs | berth pull -\n  berth pull --all-images-from-root 3 3< ./rootfs',
    )
    .action(async (images: string[], flags: PullFlags) => {
      await withHost(flags, async (host) => {
        const bindings = await bindingsAskedFor(host, images, flags.allImagesFromRoot);
        const pinId = flags.pin === undefined ? undefined : checkedId(`${MANUAL}.${flags.pin}`);
        const context = await host.context();
        const { usual } = context.engines;
        const { pulled, failures } = await pull(
          context,
          host.registry,
          bindings.map((binding) => ({ ...binding, engine: usual })),
          pinId,
        );
        print(flags.format, {
          json: () => ({
            apiVersion: 'berth/v1',
            kind: 'PullResult',
            pulled: pulled.map((image) => ({ ...image })),
            failures: failures.map(failureEntry),
          }),
          table: (look) =>
            pulled.length === 0
              ? ''
              : renderTable(
                  [imageColumn, digestColumn, { header: 'ID' }],
                  pulled.map(({ name, digest, id }) => [name, digest, shortDigest(id)]),
                  look,
                ),
          refs: () => pulled.map(({ name }) => name),
        });
        printFailures(failures);
        process.exitCode = exitCodeOf(failures.map(({ error }) => error));
      });
    });
}

async function bindingsAskedFor(
  host: Host,
  images: readonly string[],
  rootFd: string | undefined,
): Promise<readonly Omit<Binding, 'engine'>[]> {
  const { compose } = await host.config();
  if (rootFd !== undefined) {
    if (images.length > 0) throw usage('either names or --all-images-from-root, not both');
    const number = rootFd.replace(/^fd:/, '');
    if (!/^\d+$/.test(number)) {
      throw new CliError('usage', `expected the number of an open descriptor, found ${rootFd}`, {
        hint: `open it for the command: --all-images-from-root 3 3< ${rootFd}`,
      });
    }
    return reading(host, `fd:${number}`, async (root) => {
      const found = await survey(root, { bind: 'all', compose, engines: { all: 'store' } });
      const { bindings, problems } = bindingsOf(found, root, 'all');
      printProblems([...found.problems, ...problems]);
      suitDownloads();
      return bindings;
    });
  }
  const names = images.flatMap((image) => (image === '-' ? [] : [image]));
  if (images.includes('-')) append(names, await namesFromStandardInput());
  if (images.length === 0) throw usage('no image was named');
  return [...new Set(await namesMeantBy(names))].map((name) => ({
    name,
    platform: hostPlatform(),
    accesses: [{}],
    policy: 'always',
    references: [],
    stores: [],
  }));
}

async function namesFromStandardInput(): Promise<string[]> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > MAX_LIST_BYTES) throw usage('standard input is longer than 8 MiB');
  }
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
}

function usage(message: string): CliError {
  return new CliError('usage', message, { hint: 'see `berth pull --help`' });
}
