import { closeSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Binding } from '../../binding/bindings.ts';
import { BerthError, systemErrorCode } from '../../common/errors.ts';
import type { NameFailure } from '../../common/limited.ts';
import { SHIPPED_STORE } from '../../oci/local-images.ts';
import type { Registry } from '../../registry/registry.ts';
import { directoryInRoot } from '../../root/write-in-root.ts';
import { State } from '../../state/state.ts';
import { addSignatures } from '../../store/signatures.ts';
import { openStore } from '../../store/store.ts';
import { tidyLayout } from '../../store/tidy.ts';
import type { Context } from '../context.ts';
import { LifecycleError } from '../error.ts';
import { type Pulled, pull } from '../pull.ts';
import { signaturesOf } from './signatures.ts';

/** The images that a root ships now. With failures nothing was changed in the root. */
export interface Shipped {
  readonly images: readonly Pulled[];
  readonly failures: readonly NameFailure[];
}

/**
 * Writes images into a root, so that the root's first boot needs no network. Afterwards the root ships
 * these images and no others; if one fails, nothing is changed. Images that the root shipped before
 * are not trusted: the layout is made anew, and earlier blobs are copied only if their digests match.
 *
 * @param spec the directory of the root.
 * @throws {BerthError} `unwritable`.
 */
export async function shipImages(
  { report, signal }: Pick<Context, 'report' | 'signal'>,
  registry: Registry,
  spec: string,
  bindings: readonly Binding[],
): Promise<Shipped> {
  const name = SHIPPED_STORE.slice(SHIPPED_STORE.lastIndexOf('/') + 1);
  const parent = directoryInRoot(spec, SHIPPED_STORE.slice(0, -name.length - 1));
  // The descriptor is used instead of the path: a link put into the path could lead out of the root.
  const here = `/proc/self/fd/${parent.fd}`;
  const stateDirectory = temporaryDirectory();
  const fresh = join(here, `.${name}.new`);
  try {
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { mode: 0o700 });
    const nearby = bindings.find(({ shipped }) => shipped !== undefined)?.shipped;
    const engine = openStore({ directory: fresh, registry, nearby });
    const engines = {
      own: engine.id,
      usual: engine.id,
      all: engine.id,
      waitedFor: async () => [],
      open: async () => engine,
    };
    const context = { engines, state: new State(stateDirectory), report, signal };
    const asked = bindings.map((binding) => {
      const { shipped: _, ...rest } = binding;
      return rest;
    });
    const { pulled, failures } = await pull(context, registry, asked, undefined);
    if (failures.length > 0) return { images: pulled, failures };
    for (const { name: called, id } of pulled) {
      const access = asked.find((binding) => binding.name === called)?.accesses[0] ?? {};
      const image = { name: called, manifest: id };
      const source = { from: 'registry', access } as const;
      const signatures = await signaturesOf(context, registry, image, source);
      await addSignatures(fresh, id, signatures);
    }
    await tidyLayout(fresh);
    rmSync(join(here, name), { recursive: true, force: true });
    if (pulled.length > 0) renameSync(fresh, join(here, name));
    return { images: pulled, failures };
  } catch (error) {
    if (systemErrorCode(error) === undefined || error instanceof BerthError) throw error;
    throw new LifecycleError(
      'unwritable',
      `can't write ${SHIPPED_STORE} in the root: ${String(error)}`,
      {
        hint: 'run berth where the OS tree is built, as a user who may write to it',
        cause: error,
      },
    );
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(stateDirectory, { recursive: true, force: true });
    closeSync(parent.fd);
  }
}

function temporaryDirectory(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'berth-ship-'));
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    throw new LifecycleError('unwritable', `can't make a temporary directory: ${String(error)}`, {
      hint: 'name a directory that you may write to in TMPDIR',
      cause: error,
    });
  }
}
