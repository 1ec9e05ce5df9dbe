import type { Command } from 'commander';
import { readBound, withoutArtifacts } from '../../binding/bound.ts';
import { counted } from '../../common/counted.ts';
import { failureEntry, problemEntry } from '../../documents/entries.ts';
import type { Host } from '../../host/host.ts';
import { type Shipped, shipImages } from '../../lifecycle/ship/ship.ts';
import { SHIPPED_STORE } from '../../oci/local-images.ts';
import type { Root } from '../../root/root.ts';
import { CliError } from '../errors.ts';
import { suitDownloads } from '../heap.ts';
import { type RootOptions, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import { printBound } from '../render/bound.ts';
import { digestColumn, imageColumn } from '../render/columns.ts';
import { exitCodeOf, exitCodes } from '../render/failure.ts';
import { shortDigest } from '../render/plan.ts';
import { printFailures } from '../render/problems.ts';
import { type Look, renderTable } from '../render/table.ts';
import { inOrder } from '../signals.ts';
import { reading, withHost } from '../with-host.ts';

/** `berth ship`: put images into the OS, for a first boot without a network. */
export function defineShip(command: Command): void {
  withRootOptions(
    command.description(
      `Fetch every bound image of ROOT into the root itself, ${SHIPPED_STORE}: ` +
        'the first boot loads them from there, and staging downloads none of them. A ' +
        'locked name means the image of the lock. Images that are no longer bound are removed.',
    ),
  )
    .addHelpText('after', '\nExamples:\n  berth ship ./rootfs\n  berth lock / && berth ship /')
    .action(async (spec: string | undefined, options: RootOptions) => {
      refuseImage(spec);
      await withHost(options, (host) =>
        reading(host, spec ?? '/', (root) => ship(host, root, spec, options)),
      );
    });
}

async function ship(
  host: Host,
  root: Root,
  spec: string | undefined,
  options: RootOptions,
): Promise<void> {
  const { compose } = await host.config();
  const bound = withoutArtifacts(await readBound(root, { bind: options.bind, compose }));
  const { bindings } = bound;
  suitDownloads();
  // A descriptor need not have a path.
  const directory = spec?.startsWith('fd:') === true ? spec : root.location;
  // With nothing to write and nothing to remove, the tree is left alone.
  const isIdle = bindings.length === 0 && root.lookup(SHIPPED_STORE) === undefined;
  const result = isIdle
    ? { images: [], failures: [] }
    : await inOrder(() => shipImages(host, host.registry, directory, bindings));
  const { failures } = result;
  const written = failures.length === 0;
  print(options.format, {
    json: () => ({
      apiVersion: 'berth/v1',
      kind: 'ShipResult',
      root: root.location,
      path: SHIPPED_STORE,
      written,
      images: result.images.map((image) => ({ ...image })),
      problems: bound.problems.map(problemEntry),
      failures: failures.map(failureEntry),
    }),
    table: (look) => table(result.images, written, look),
    refs: () => result.images.map(({ name }) => name),
  });
  printFailures(failures);
  if (!written) process.stderr.write(`Nothing was written to ${SHIPPED_STORE}.\n`);
  printBound(bound, root.location, options);
  process.exitCode =
    exitCodeOf(failures.map(({ error }) => error)) ||
    (bound.hasUnknown ? exitCodes['not-ready'] : 0);
}

function table(images: Shipped['images'], written: boolean, look: Look): string {
  if (images.length === 0) return '';
  const rows = images.map(({ name, digest }) => [name, shortDigest(digest)]);
  const table = renderTable([imageColumn, digestColumn], rows, look);
  return written
    ? `${table}\n${SHIPPED_STORE}: ${counted(images.length, 'image')}, written.\n`
    : table;
}

function refuseImage(spec: string | undefined): void {
  if (spec?.startsWith('image:') !== true) return;
  throw new CliError('ship-root', `expected a directory to write images into, found ${spec}`, {
    hint: 'ship them in the tree that the image is built from, before it is built',
  });
}
