import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { tarEntries } from '../../src/common/tar/read.ts';
import { container, type Machine, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage, type ImageOptions } from '../support/image-builder.ts';

export const host = 'registry.example.com';

export const platforms = ['linux/amd64', 'linux/arm64'];

export interface Lab {
  readonly machine: Machine;
  readonly root: string;
  /** The path of the bundle. */
  readonly file: string;
}

/** A root with two images of several megabytes, which don't compress. */
export async function startLab(t: TestContext): Promise<Lab> {
  const machine = await startMachine(t);
  const image = (seed: number, more: Partial<ImageOptions> = {}) =>
    buildImage({
      layers: [
        { bytes: 2_000_000, seed: 1 },
        { bytes: 1_000_000, seed },
      ],
      ...more,
    });
  machine.registry.push('web:1', image(2, { platforms }));
  machine.registry.push('api:1', image(3));
  const root = writeRoot(join(machine.directory, 'os'), {
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    ...container('web', `${host}/web:1`),
    ...container('api', `${host}/api:1`),
  });
  return { machine, root, file: join(machine.directory, 'site.tar.zst') };
}

/** Makes the bundle of the root. @returns its bytes. */
export async function made({ machine, root, file }: Lab, ...words: string[]): Promise<Buffer> {
  const { code, stderr } = await machine.berth('bundle', root, '--output', file, ...words);
  assert.equal(code, 0, stderr);
  return readFileSync(file);
}

/** Turns a machine into a site that has nothing yet. */
export function asSite(machine: Machine, state = join(machine.directory, 'site')): string {
  machine.environment['BERTH_STATE_DIR'] = state;
  return state;
}

/** The names of all blobs of a store. */
export function storedIn(state: string): readonly string[] {
  const blobs = join(state, 'store/blobs/sha256');
  return existsSync(blobs) ? readdirSync(blobs) : [];
}

/** The files in a bundle, by their paths. */
export async function membersOf(bundle: Buffer): Promise<Map<string, Buffer>> {
  const members = new Map<string, Buffer>();
  const bytes = (async function* () {
    yield zstdDecompressSync(bundle);
  })();
  for await (const entry of tarEntries(bytes)) {
    assert.ok(!members.has(entry.path));
    members.set(entry.path, Buffer.from(await entry.read(entry.size)));
  }
  return members;
}

export async function exitOf(child: ChildProcess): Promise<number | null> {
  await once(child, 'exit');
  return child.exitCode;
}
