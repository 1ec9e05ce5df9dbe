import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { container, type Machine, startMachine, writeRoot } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';

export const host = 'registry.example.com';
export const image = (seed: number) =>
  buildImage({ layers: [{ bytes: 20_000, seed }], platforms: ['linux/amd64', 'linux/arm64'] });
export const bind = { 'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n' };
export const STORE = 'usr/lib/berth/store';

interface Built {
  readonly machine: Machine;
  readonly root: string;
}

/** A root that ships what its two units name: one that pulls anew, and one that never does. */
export async function buildRoot(t: TestContext): Promise<Built> {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(1));
  machine.registry.push('api:1', image(2));
  const root = writeRoot(join(machine.directory, 'os'), {
    ...bind,
    ...container('web', `${host}/web:1`, 'Pull=newer\n'),
    ...container('api', `${host}/api:1`, 'Pull=never\n'),
  });
  const { code, stderr } = await machine.berth('ship', root);
  assert.equal(code, 0, stderr);
  return { machine, root };
}

export function blobs(root: string): string[] {
  return readdirSync(join(root, STORE, 'blobs/sha256')).sort();
}
