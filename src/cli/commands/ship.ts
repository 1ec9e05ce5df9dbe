import type { Command } from 'commander';
import { counted } from '../../common/counted.ts';
import { BerthError } from '../../common/errors.ts';
import { failureEntry, problemEntry } from '../../documents/entries.ts';
import { withRoot } from '../../host/root.ts';
import { type Shipped, shipImages } from '../../lifecycle/ship.ts';
import { SHIPPED_STORE } from '../../oci/local-images.ts';
import type { Root } from '../../root/root.ts';
import { printBound, readBound } from '../bound.ts';
import { type RootOptions, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import { exitCodeOf, exitCodes } from '../render/failure.ts';
import { shortDigest } from '../render/plan.ts';
import { printFailures } from '../render/problems.ts';
import { renderTable } from '../render/table.ts';
import { inOrder } from '../signals.ts';
import { type Online, online } from '../surroundings.ts';

/** `berth ship`: images inside the OS, for a first boot without a network. */
export function defineShip(command: Command): void {
  withRootOptions(
    command.description(
      `Fetch every bound image of ROOT into the root itself, ${SHIPPED_STORE}: ` +
        'its first boot loads them from there, and staging downloads none of them. Of a ' +
        'locked name it is the image of the lock. What is not bound any more goes.',
    ),
  )
    .addHelpText('after', '\nExamples:\n  berth ship ./rootfs\n  berth lock / && berth ship /')
    .action(async (spec: string | undefined, options: RootOptions) => {
      refuseImage(spec);
      await online(options, (surroundings) =>
        withRoot(spec ?? '/', (root) => ship(surroundings, root, spec, options), options),
      );
    });
}

async function ship(
  surroundings: Online,
  root: Root,
  spec: string | undefined,
  options: RootOptions,
): Promise<void> {
  const bound = await readBound(root, options);
  const { bindings } = bound;
  // A descriptor need not have a path.
  const directory = spec?.startsWith('fd:') === true ? spec : root.location;
  // Where there is nothing to write and nothing to take away, the tree is left as it is.
  const isIdle = bindings.length === 0 && root.lookup(SHIPPED_STORE) === undefined;
  const result = isIdle
    ? { images: [], failures: [] }
    : await inOrder(() => shipImages(surroundings, surroundings.registry, directory, bindings));
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
    table: () => table(result.images, written),
    refs: () => result.images.map(({ name }) => name),
  });
  printFailures(failures);
  if (!written) process.stderr.write(`Nothing was written to ${SHIPPED_STORE}.\n`);
  printBound(bound, root.location, options);
  process.exitCode =
    exitCodeOf(failures.map(({ error }) => error)) ||
    (bound.hasUnknown ? exitCodes['not-ready'] : 0);
}

function table(images: Shipped['images'], written: boolean): string {
  if (images.length === 0) return '';
  const rows = images.map(({ name, digest }) => [name, shortDigest(digest)]);
  const table = renderTable(['IMAGE', 'DIGEST'], rows, process.stdout);
  return written
    ? `${table}\n${SHIPPED_STORE}: ${counted(images.length, 'image')}, written.\n`
    : table;
}

function refuseImage(spec: string | undefined): void {
  if (spec?.startsWith('image:') !== true) return;
  throw new BerthError('ship-root', `expected a directory to write images into, found ${spec}`, {
    hint: 'ship them in the tree that the image is built from, before it is built',
    kind: 'usage',
  });
}
