import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { array, object, parse, string } from 'valibot';
import { container, writeRoot } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';
import { type PodmanLab, startPodmanLab } from '../../support/podman-lab.ts';
import type { Watcher } from './watcher.ts';

export const host = 'registry.example.com';
export const PODMAN = ['--engine', 'podman'];

export const image = (seed: number) =>
  buildImage({ layers: [{ bytes: 2000, seed }], entrypoint: ['/bin/entry'] });

/** Two roots are staged: `os` with an image of one name and one of two, `old` with the first of them. */
export async function stagedLab(t: TestContext): Promise<PodmanLab> {
  const lab = await startPodmanLab(t);
  lab.registry.push('solo:1', image(1));
  lab.registry.push('pair:1', image(2));
  lab.registry.push('pair:also', image(2));
  await stage(lab, 'os', 'solo:1', 'pair:1', 'pair:also');
  await stage(lab, 'old', 'solo:1');
  return lab;
}

export async function stage(
  lab: PodmanLab,
  id: string,
  ...names: readonly string[]
): Promise<void> {
  const units = names.map((name) => container(name.replace(/\W/g, '-'), `${host}/${name}`));
  rmSync(join(lab.directory, id), { recursive: true, force: true });
  const root = writeRoot(join(lab.directory, id), Object.assign({}, ...units));
  const { code, stderr } = await lab.run('stage', '--bind', 'all', '--id', id, root);
  assert.equal(code, 0, stderr);
}

/** @returns the messages of the findings. */
export async function verify(lab: PodmanLab, id: string): Promise<readonly string[]> {
  const { stdout } = await lab.run('verify', '--format', 'json', id);
  const { findings } = parse(verification, JSON.parse(stdout));
  return findings.map(({ code, message }) => `${code}: ${message}`);
}

const verification = object({ findings: array(object({ code: string(), message: string() })) });

/** Waits until nothing is lacking that the watcher has told of. */
export async function settled({ events, until }: Watcher): Promise<void> {
  const isOpen = () => {
    const last = new Map<string, string>();
    for (const told of events) {
      if (told.event === 'lost' || told.event === 'healed') {
        last.set(`${told.root} ${told.id}`, told.event);
      }
    }
    return [...last.values()].includes('lost');
  };
  while (isOpen()) await until(({ event }) => event === 'healed');
}

export async function untilWhole(lab: PodmanLab, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) while ((await verify(lab, id)).length > 0);
}
