import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../../src/engine/engine.ts';
import { loadShipped } from '../../src/lifecycle/boot/load-shipped.ts';
import type { Context } from '../../src/lifecycle/context.ts';
import { readSituation } from '../../src/lifecycle/situation.ts';
import type { Staged } from '../../src/lifecycle/stage/stage.ts';
import { type Finding, judge } from '../../src/lifecycle/verify.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { openRoot } from '../../src/root/open-root.ts';
import type { RootRecord } from '../../src/state/record.ts';
import { State } from '../../src/state/state.ts';
import { openStore } from '../../src/store/store.ts';
import { theOnly } from './engines.ts';

/** Lets every image be fetched, and fails the test that asks it for one. */
export const noNetwork: Registry = {
  permit: async () => [],
  signatures: async () => [],
  foresee: async () => undefined,
  credentials: async () => undefined,
  quickestReply: async () => undefined,
  isLimited: async () => false,
  resolve: async () => assert.fail('a registry was asked what a name means'),
  resolveAll: async () => assert.fail('a registry was asked what a name means'),
  manifest: async () => assert.fail('a registry was asked for a manifest'),
  download: async () => assert.fail('a registry was asked for a blob'),
  close: () => undefined,
};

export interface FirstBoot {
  readonly engine: Engine;
  /** Loads what a root ships, as the root `os`. */
  readonly load: (root: string) => Promise<Staged | undefined>;
  readonly record: () => Promise<RootRecord | undefined>;
  /** What keeps it from being ready; undefined where there is no record. */
  readonly findings: () => Promise<readonly Finding[] | undefined>;
}

/**
 * A host that has never seen a registry.
 *
 * @param engine else its own store.
 * @param registry which its policy.json is part of.
 */
export function firstBoot(
  directory: string,
  engine?: Engine,
  registry: Registry = noNetwork,
): FirstBoot {
  mkdirSync(directory, { recursive: true });
  const store = () => openStore({ directory: join(directory, 'state/store'), registry });
  const opened = engine ?? store();
  const context: Context = {
    engines: theOnly(opened),
    state: new State(join(directory, 'state')),
    report: () => undefined,
    signal: new AbortController().signal,
  };
  return {
    engine: opened,
    load: async (path) => {
      const root = openRoot(path);
      try {
        const planned = { id: 'os', location: root.location };
        return await loadShipped(context, registry, root, planned, {
          compose: [],
          engines: new Set([opened.id]),
        });
      } finally {
        root.close();
      }
    },
    record: async () => (await readSituation(context)).records.get('os'),
    findings: async () => {
      const situation = await readSituation(context);
      const record = situation.records.get('os');
      return record === undefined ? undefined : judge(record, situation);
    },
  };
}
