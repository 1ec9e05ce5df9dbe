import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { type LoadedBundle, loadBundle } from '../../src/bundle/load.ts';
import { hostPlatform } from '../../src/image/platform.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { State } from '../../src/state/state.ts';
import { type LoadedImages, openLoaded } from '../../src/store/loaded.ts';
import { openStore } from '../../src/store/store.ts';
import { theOnly } from '../support/engines.ts';
import { noNetwork } from '../support/first-boot.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** A host without a reachable registry, in this process. */
export interface Site {
  readonly directory: string;
  readonly load: (archive: Iterable<Buffer> | AsyncIterable<Buffer>) => Promise<LoadedBundle>;
  /** The site's blobs by digest. */
  readonly blobs: () => Map<string, Buffer>;
  /** Opens the loaded images as a stage does. */
  readonly open: () => Promise<LoadedImages | undefined>;
  /** The manifest that a name means here; undefined if it means nothing. */
  readonly meaning: (name: string) => Promise<string | undefined>;
}

export function startSite(t: TestContext, registry: Registry = noNetwork): Site {
  const directory = temporaryDirectory(t);
  const stateDirectory = join(directory, 'state');
  const store = join(stateDirectory, 'store');
  const engines = theOnly(openStore({ directory: store, registry }));
  const { signal } = new AbortController();
  const context = { engines, state: new State(stateDirectory), report: () => undefined, signal };
  return {
    directory,
    load: (archive) =>
      loadBundle(context, registry, 'a.tar.zst', Readable.from(archive, { objectMode: false })),
    blobs: () => {
      const blobs = join(store, 'blobs/sha256');
      const names = existsSync(blobs) ? readdirSync(blobs) : [];
      return new Map(names.map((hex) => [`sha256:${hex}`, readFileSync(join(blobs, hex))]));
    },
    open: () => openLoaded(store),
    meaning: async (name) => {
      const loaded = await openLoaded(store);
      try {
        return loaded?.awaiting.find(name, hostPlatform())?.manifest;
      } finally {
        await loaded?.close();
      }
    },
  };
}
