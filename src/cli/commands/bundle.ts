import type { Command } from 'commander';
import { readBound, withoutArtifacts } from '../../binding/bound.ts';
import { bundleArchive } from '../../bundle/archive.ts';
import { type BundlePlan, planBundle } from '../../bundle/plan.ts';
import { layersSince } from '../../bundle/since.ts';
import { checkWritable, compressed, writeBundle } from '../../bundle/write.ts';
import { counted } from '../../common/counted.ts';
import { formatBytes } from '../../common/format-bytes.ts';
import { failureEntry, problemEntry } from '../../documents/entries.ts';
import type { Host } from '../../host/host.ts';
import { byDigest } from '../../image/name.ts';
import { sizeOf } from '../../image/resolved.ts';
import type { Root } from '../../root/root.ts';
import { withStoredBlobs } from '../../store/loaded.ts';
import { CliError } from '../errors.ts';
import { suitDownloads } from '../heap.ts';
import { isTable, type RootOptions, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import { printBound } from '../render/bound.ts';
import { digestColumn, imageColumn, sizeColumn } from '../render/columns.ts';
import { exitCodeOf, exitCodes } from '../render/failure.ts';
import { shortDigest } from '../render/plan.ts';
import { printFailures } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { type Look, renderTable } from '../render/table.ts';
import { inOrder } from '../signals.ts';
import { reading, withHost } from '../with-host.ts';

interface BundleOptions extends RootOptions {
  readonly output: string;
  readonly since?: string;
}

/** `berth bundle`: one file with all images that a site without a network needs. */
export function defineBundle(command: Command): void {
  withRootOptions(
    command
      .description(
        'Write every bound image of ROOT into one file, a zstd-compressed tar archive of an OCI ' +
          'image layout, with a lock of the meaning of each name. `berth load` reads the file.',
      )
      .requiredOption('--output <file>', 'the file to write, or - for standard output')
      .option(
        '--since <lock>',
        'leave out the layers of the images of this lock, or of an earlier bundle',
      ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth bundle ./rootfs --output site.tar.zst\n' +
        '  berth bundle ./rootfs --output - | ssh site berth load -\n' +
        '  berth bundle ./next --since site.tar.zst --output next.tar.zst',
    )
    .action(async (spec: string | undefined, options: BundleOptions) => {
      if (options.output === '-') checkStandardOutput(options);
      else await checkWritable(options.output);
      await withHost(options, (host) => reading(host, spec, (root) => bundle(host, root, options)));
    });
}

async function bundle(host: Host, root: Root, options: BundleOptions): Promise<void> {
  const { registry } = host;
  const { compose } = await host.config();
  const bound = withoutArtifacts(await readBound(root, { bind: options.bind, compose }));
  const { bindings } = bound;
  suitDownloads();
  const since = options.since;
  const present =
    since === undefined ? new Set<string>() : await layersSince(host, registry, since, bindings);
  const plan = await planBundle(host, registry, bindings, present);
  const written = plan.failures.length === 0;
  if (written) {
    const store = await host.storeDirectory();
    await inOrder(() => write(host, plan, store, options));
  }
  if (options.output === '-') process.stderr.write(summary(plan, options.output));
  else {
    print(options.format, {
      json: () => ({
        apiVersion: 'berth/v1',
        kind: 'BundleResult',
        root: root.location,
        output: options.output,
        written,
        bytes: plan.bytes,
        images: plan.images.map(({ image: { name, digest, manifest } }) => ({
          name,
          digest,
          manifest,
        })),
        omitted: { layers: plan.omitted.length, bytes: sizeOf(plan.omitted) },
        problems: bound.problems.map(problemEntry),
        failures: plan.failures.map(failureEntry),
      }),
      table: (look) => table(plan, look) + summary(plan, options.output),
      refs: () => plan.images.map(({ image: { name, digest } }) => byDigest(name, digest)),
    });
  }
  printFailures(plan.failures);
  printBound(bound, root.location, options);
  process.exitCode =
    exitCodeOf(plan.failures.map(({ error }) => error)) ||
    (bound.hasUnknown ? exitCodes['not-ready'] : 0);
}

async function write(
  { registry, signal, ...host }: Host,
  plan: BundlePlan,
  store: string,
  { output }: BundleOptions,
): Promise<void> {
  const what = `${counted(plan.images.length, 'image')} for ${nameOf(output)}`;
  const watched = { id: 'bundle', name: what };
  const report = plan.images.length === 0 ? () => undefined : host.report;
  report({ event: 'fetch-started', ...watched, bytes: plan.bytes });
  await withStoredBlobs(store, async (local) => {
    const archive = bundleArchive(plan, {
      registry,
      local,
      signal,
      onBytes: (bytes) => report({ event: 'fetch-progress', ...watched, bytes }),
    });
    if (output === '-') await compressed(archive, nameOf(output), process.stdout, signal);
    else await writeBundle(archive, output, plan.bytes, signal);
  });
  report({ event: 'fetched', ...watched });
}

function table({ images }: BundlePlan, look: Look): string {
  if (images.length === 0) return '';
  const rows = images.map(({ image: { name, digest, blobs } }) => [
    name,
    shortDigest(digest),
    formatBytes(sizeOf(blobs)),
  ]);
  return `${renderTable([imageColumn, digestColumn, sizeColumn], rows, look)}\n`;
}

function summary({ images, failures, bytes, omitted }: BundlePlan, output: string): string {
  const target = nameOf(output);
  if (failures.length > 0) return shownLine(`Nothing was written to ${target}.`);
  const left =
    omitted.length === 0
      ? ''
      : `; ${counted(omitted.length, 'layer')}, ${formatBytes(sizeOf(omitted))}, ${omitted.length === 1 ? 'is' : 'are'} left out`;
  return shownLine(`${target}: ${counted(images.length, 'image')}, ${formatBytes(bytes)}${left}.`);
}

function nameOf(output: string): string {
  return output === '-' ? 'standard output' : output;
}

function checkStandardOutput({ format }: BundleOptions): void {
  if (!process.stdout.isTTY && isTable(format)) return;
  const found = process.stdout.isTTY ? 'a terminal' : `--format ${format}`;
  throw new CliError(
    'usage',
    `expected standard output for the bundle alone with --output -, found ${found}`,
    { hint: 'name a file, or pipe the bundle into `berth load -`' },
  );
}
