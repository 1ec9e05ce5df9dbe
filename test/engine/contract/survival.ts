import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Engine, EngineImage } from '../../../src/engine/engine.ts';
import type { Pin } from '../../../src/engine/pin.ts';
import { fetchFrom, withEngine } from './calls.ts';
import type { Command, Targets } from './command.ts';
import { findingsOf, type Staged, stageRoots } from './staged-roots.ts';
import { assertTold, checkColumn } from './survival-table.ts';
import type { TestedEngine } from './tested-engine.ts';

/** The images, names and pins that an engine holds for the staged roots. */
interface Holdings {
  readonly pins: readonly Pin[];
  readonly images: readonly EngineImage[];
}

/** The finding of `berth verify` after each loss, in the words of docs/survival.md. */
const findings = {
  'name lost': 'name-missing',
  'name moved': 'name-moved',
  'pin lost': 'pin-missing',
  'image lost': 'image-missing',
  'pin and image lost': 'image-missing',
} as const;

/** The loss that a command caused; the dash stands for a command that the engine's version does not have. */
type Loss = 'kept' | keyof typeof findings | '–';

/**
 * Stages two roots, and checks what each command leaves of them. For every kind of loss `berth verify` must
 * say that a root is not ready, and `berth stage` must repair it.
 */
export async function testSurvival(t: TestContext, tested: TestedEngine): Promise<void> {
  await tested.clear();
  const staged = await stageRoots(tested);
  const seen = new Map<string, Loss>();
  const mended = new Set<Loss>();
  for (const command of tested.commands) {
    await t.test(`${tested.version}: ${command.row}`, async () => {
      try {
        seen.set(command.row, await lossBy(command, tested, staged, mended));
      } catch (error) {
        // The following rows should not fail because of this one.
        await tested.clear();
        await stageRoots(tested);
        throw error;
      }
    });
  }
  await t.test(`${tested.version}: docs/survival.md says what was seen`, (table) =>
    checkColumn(table, tested, seen),
  );
}

/** @param mended the losses that berth's own commands have repaired before. */
async function lossBy(
  command: Command,
  tested: TestedEngine,
  staged: Staged,
  mended: Set<Loss>,
): Promise<Loss> {
  const before = await withEngine(tested, async (engine) => {
    await engine.tag(await fetchFrom(engine, staged.spare), staged.spare.name);
    return look(engine);
  });
  if (!(await command.run(targetsOf(before, staged)))) return '–';
  const loss = await withEngine(tested, async (engine) => {
    const spare = engine.idOf(staged.spare);
    if (command.prunes === true) assert.equal(await engine.has(spare), false, 'it prunes nothing');
    return lossBetween(before, await look(engine));
  });
  if (loss === 'kept') return loss;
  if (mended.has(loss)) await withEngine(tested, (engine) => mend(engine, before, staged));
  else await mendByBerth(tested, staged, loss);
  mended.add(loss);
  const after = await withEngine(tested, look);
  assert.equal(lossBetween(before, after), 'kept', 'it was not mended');
  return loss;
}

export async function look(engine: Engine): Promise<Holdings> {
  return { pins: await engine.pins(), images: await engine.images() };
}

export function targetsOf(
  { pins, images }: Holdings,
  { solo, pair, spare, first }: Staged,
): Targets {
  const idOf = (name: string) => images.find(({ names }) => names.includes(name))?.id ?? '';
  const id = idOf(solo.name);
  const pin = pins.find((candidate) => candidate.root === first && candidate.id === id);
  assert.ok(pin, 'the first root pins its image');
  return {
    name: solo.name,
    id,
    pin: pin.handle,
    second: pair.name,
    secondId: idOf(pair.name),
    other: idOf(spare.name),
    otherName: spare.name,
  };
}

/** The worst that befell the pinned images, their names and their pins. */
function lossBetween(before: Holdings, after: Holdings): Exclude<Loss, '–'> {
  const isPinned = ({ id }: EngineImage) => before.pins.some((pin) => pin.id === id);
  const pinned = before.images.filter(isPinned);
  const isGone = ({ id }: EngineImage) => !after.images.some((image) => image.id === id);
  const isUnpinned = ({ root, id }: Pin) =>
    !after.pins.some((pin) => pin.root === root && pin.id === id);
  const pinLost = before.pins.some(isUnpinned);
  if (pinned.some(isGone)) return pinLost ? 'pin and image lost' : 'image lost';
  if (pinLost) return 'pin lost';
  const lost = pinned.flatMap(({ id, names }) => {
    const left = after.images.find((image) => image.id === id)?.names ?? [];
    return names.filter((name) => !left.includes(name));
  });
  if (lost.length === 0) return 'kept';
  const isMoved = (name: string) => after.images.some(({ names }) => names.includes(name));
  return lost.some(isMoved) ? 'name moved' : 'name lost';
}

/** Repairs as a stage does, but much faster than a whole run of berth. */
async function mend(engine: Engine, { pins, images }: Holdings, staged: Staged): Promise<void> {
  for (const image of [staged.solo, staged.pair]) await fetchFrom(engine, image);
  for (const [root, own] of Map.groupBy(pins, (pin) => pin.root)) await engine.pin(root, own);
  for (const { id, names } of images) {
    const isPinned = pins.some((pin) => pin.id === id);
    if (isPinned) for (const name of names) await engine.tag(id, name);
  }
}

/** `berth stage` verifies what it staged before it ends. */
async function mendByBerth(
  tested: TestedEngine,
  staged: Staged,
  loss: keyof typeof findings,
): Promise<void> {
  const codes = await findingsOf(tested, staged);
  assert.ok(codes.has(findings[loss]), `${loss}: verify finds ${[...codes].join(', ')}`);
  assertTold(loss, findings[loss]);
  await stageRoots(tested);
}
