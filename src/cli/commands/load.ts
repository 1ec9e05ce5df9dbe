import { createReadStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import type { Command } from 'commander';
import { type LoadedBundle, loadBundle } from '../../bundle/load.ts';
import { counted } from '../../common/counted.ts';
import { BerthError, systemErrorCode } from '../../common/errors.ts';
import { formatBytes } from '../../common/format-bytes.ts';
import { byDigest } from '../../image/name.ts';
import { CliError } from '../errors.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { print } from '../output.ts';
import { digestColumn, imageColumn } from '../render/columns.ts';
import { shortDigest } from '../render/plan.ts';
import { type Look, renderTable } from '../render/table.ts';
import { withHost } from '../with-host.ts';

/** `berth load`: take in a bundle for later stages. */
export function defineLoad(command: Command): void {
  withCommonOptions(
    command.description(
      'Read a FILE that `berth bundle` wrote (- for standard input). `berth stage` and ' +
        '`berth reconcile` then find its images here and need no registry for them. ' +
        'Pins nothing, and changes no name of the engine.',
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth load site.tar.zst && berth stage ./rootfs\n  ssh build berth bundle /srv/next --output - | berth load -',
    )
    .action(async (file: string, options: CommonOptions) => {
      await withHost(options, async (host) => {
        const context = await host.context();
        const bytes = addAbortSignal(host.signal, opened(file));
        const loaded = await readingFile(file, host.signal, () =>
          loadBundle(context, host.registry, file === '-' ? 'standard input' : file, bytes),
        );
        print(options.format, {
          json: () => ({
            apiVersion: 'berth/v1',
            kind: 'LoadResult',
            images: loaded.images.map(({ name, digest, manifest }) => ({ name, digest, manifest })),
            bytes: loaded.bytes,
          }),
          table: (look) => table(loaded, look),
          refs: () => loaded.images.map(({ name, digest }) => byDigest(name, digest)),
        });
      });
    });
}

const CHUNK = 256 * 1024;

function opened(file: string): Readable {
  return file === '-' ? process.stdin : createReadStream(file, { highWaterMark: CHUNK });
}

async function readingFile<T>(
  file: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    const code = systemErrorCode(error);
    if (error instanceof BerthError || code === undefined) throw error;
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw new CliError('bundle-file', `expected a bundle at ${file}, found ${foundFor(code)}`, {
      hint: 'name a file that `berth bundle` wrote, or - for standard input',
      cause: error,
    });
  }
}

function foundFor(code: string): string {
  if (code === 'ENOENT') return 'nothing there';
  return code === 'EISDIR' ? 'a directory' : code;
}

function table({ images, bytes }: LoadedBundle, look: Look): string {
  const [are, them] = images.length === 1 ? ['is', 'it'] : ['are', 'them'];
  const done = `${counted(images.length, 'image')} ${are} loaded, ${formatBytes(bytes)} written: \`berth stage\` finds ${them}.\n`;
  if (images.length === 0) return done;
  const rows = images.map(({ name, digest }) => [name, shortDigest(digest)]);
  return `${renderTable([imageColumn, digestColumn], rows, look)}\n${done}`;
}
