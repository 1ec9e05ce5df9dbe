import assert from 'node:assert/strict';
import { join } from 'node:path';
import { array, boolean, object, parse, string } from 'valibot';
import type { ResolvedImage } from '../../../src/image/resolved.ts';
import { container, writeRoot } from '../../support/berth.ts';
import { pushSmall, repositoryOf } from './images.ts';
import type { TestedEngine } from './tested-engine.ts';

/** Two roots that are staged, and their images. */
export interface Staged {
  /** The id of the root that needs both images. */
  readonly first: string;
  /** The id of the root that needs one of them. */
  readonly second: string;
  /** The image that both need, by one name. */
  readonly solo: ResolvedImage;
  /** The image that only the first root needs, by two names. */
  readonly pair: ResolvedImage;
  /** An image that no root needs; the engine need not have it. */
  readonly spare: ResolvedImage;
}

/** Stages both roots with `berth stage`, which also repairs roots that are already staged. */
export async function stageRoots(tested: TestedEngine): Promise<Staged> {
  const { file = unit } = tested;
  const solo = pushSmall(tested, 'solo:1', 201);
  const pair = pushSmall(tested, 'pair:1', 202);
  const other = pushSmall(tested, 'pair:also', 202).name;
  const spare = pushSmall(tested, 'spare:1', 203);
  assert.equal(other, `${repositoryOf(pair)}:also`);
  await Promise.all([
    stage(tested, 'first', { ...file(solo.name), ...file(pair.name), ...file(other) }),
    stage(tested, 'second', file(solo.name)),
  ]);
  return { first: 'first', second: 'second', solo, pair, spare };
}

/** The codes of all findings of `berth verify` about the two roots; empty if both are ready. */
export async function findingsOf(
  { machine, option }: TestedEngine,
  { first, second }: Staged,
): Promise<ReadonlySet<string>> {
  const verify = (id: string) =>
    machine.berth('verify', '--engine', option, '--format', 'json', id);
  const verified = await Promise.all([first, second].map(verify));
  const codes = verified.flatMap(({ code, stdout, stderr }) => {
    const { ready, findings } = parse(verification, JSON.parse(stdout));
    assert.equal(code, ready ? 0 : 3, stderr);
    return findings.map((finding) => finding.code);
  });
  return new Set(codes);
}

const verification = object({ ready: boolean(), findings: array(object({ code: string() })) });

function unit(name: string): Readonly<Record<string, string>> {
  return container(name.replace(/[^a-z0-9]/g, '-'), name);
}

async function stage(
  { machine, option }: TestedEngine,
  id: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const root = writeRoot(join(machine.directory, id), files);
  const words = ['--engine', option, '--bind', 'all', '--id', id, root];
  const { code, stderr } = await machine.berth('stage', ...words);
  assert.equal(code, 0, stderr);
}
