import { randomBytes } from 'node:crypto';
import { realpathSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { systemErrorCode } from '../../common/errors.ts';
import { writeWhole } from '../../common/files/write-whole.ts';
import { version } from '../../common/version.ts';
import type { Host } from '../../host/host.ts';
import { seeHost } from '../../host/report/see-host.ts';
import { seeRoot } from '../../host/report/see-root.ts';
import type { Seen } from '../../host/report/seen.ts';
import { page } from '../../report/html/page.ts';
import { Collection } from '../../report/model/collect.ts';
import type { Report } from '../../report/model/report.ts';
import { layersIn } from '../../report/model/sizes.ts';
import { CliError } from '../errors.ts';
import { suitReading } from '../heap.ts';
import { type HostFlags, type RootOptions, withRootOptions } from '../options.ts';
import { shownLine } from '../render/shown.ts';
import { mayBeTerminal, writeOut } from '../standard-streams.ts';
import { withHost } from '../with-host.ts';

type ReportOptions = HostFlags &
  Pick<RootOptions, 'bind' | 'id'> & {
    readonly output?: string;
  };

/** `berth report`: roots, images, sizes and boot chains as a page. */
export function defineReport(command: Command): void {
  withRootOptions(
    command
      .description(
        'Write a page of HTML about ROOT, or about all roots of this host: which images they need and share, what is ' +
          'missing and what to do about it, and how each image is started. The page needs no network and no other file.',
      )
      .option('--output <file>', 'the file to write; by default standard output, or -'),
    [],
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth report --output report.html\n  berth report staged >report.html\n' +
        '  berth report --bind all --output os.html image:quay.io/acme/os:42',
    )
    .action((spec: string | undefined, options: ReportOptions) => {
      const { output = '-' } = options;
      if (spec === undefined && options.id !== undefined) throw idOfNothing();
      if (output === '-') refuseTerminal();
      const work = async (host: Host) => {
        const text = page(await reportOf(host, spec, options));
        if (output === '-') writeOut(text);
        else writeReport(output, text);
      };
      return withHost(options, work, { opensNoImages: spec === undefined });
    });
}

async function reportOf(
  host: Host,
  spec: string | undefined,
  { bind, id }: ReportOptions,
): Promise<Report> {
  suitReading();
  const seen = await (spec === undefined
    ? seeHost(host, { bind })
    : seeRoot(host, spec, { bind, id }));
  const { situation, living } = seen;
  const engines = [...situation.engines.values()].map(({ engine }) => engine.info());
  const held = (await host.context()).state.gate.read();
  return {
    host: hostname(),
    time: new Date(),
    version,
    engines: await Promise.all(engines),
    held,
    warnings: living.failures.map(({ message, hint }) => ({ message, hint })),
    ...(await collect(seen)),
  };
}

async function collect({ situation, roots, others }: Seen) {
  const collection = new Collection(situation, await layersIn(situation));
  for await (const root of roots()) collection.add(root);
  for (const root of others()) collection.addOther(root);
  return collection.collected();
}

function idOfNothing(): CliError {
  return new CliError('usage', 'expected the root that --id names, found no ROOT', {
    hint: 'give ROOT too; the id of a staged root is a ROOT itself: `berth report ID`',
  });
}

function refuseTerminal(): void {
  if (!mayBeTerminal(1)) return;
  throw new CliError('usage', 'expected a file for the page of HTML, found a terminal', {
    hint: 'say --output report.html, or send standard output to a file',
  });
}

/** Writes the page whole or not at all; to a pipe or a device as it is. */
function writeReport(path: string, text: string): void {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && !stats.isFile()) writeFileSync(path, text);
    else {
      // A link is followed, not replaced: /dev/stdout is one.
      const target = stats === undefined ? path : realpathSync(path);
      const temporary = `${target}.${randomBytes(6).toString('hex')}`;
      // The mode stays: nobody may read the new page who could not read the old one.
      writeWhole(target, text, temporary, stats === undefined ? 0o666 : stats.mode & 0o777);
    }
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    // Without the call and its path, which is that of a temporary file.
    const reason = error instanceof Error ? error.message.replace(/, \w+ '.*$/s, '') : '';
    const message = `can't write the report to ${path}: ${reason}`;
    throw new CliError('output', message, {
      hint: 'name a file in a directory that you may write',
      cause: error,
    });
  }
  process.stderr.write(shownLine(`${path} is written.`));
}
