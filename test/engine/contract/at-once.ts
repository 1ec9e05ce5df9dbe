import assert from 'node:assert/strict';
import type { Engine } from '../../../src/engine/engine.ts';
import { fetchFrom, namesOf, pinnedFor, requestFor, withEngine } from './calls.ts';
import { pushSmall } from './images.ts';
import type { TestedEngine } from './tested-engine.ts';

/** How often; each takes some tenths of a second. */
const ROUNDS = 6;

/**
 * Has two callers, each with the engine open for itself as two stages have, bring, pin and name one image at
 * once, whose name means another image before.
 */
export async function checkAtOnce(first: Engine, tested: TestedEngine): Promise<void> {
  const other = pushSmall(tested, 'once:0', 60);
  await fetchFrom(first, other);
  await first.pin('other', [requestFor(first, other)]);
  await withEngine(tested, async (second) => {
    for (let round = 1; round <= ROUNDS; round += 1) {
      const image = pushSmall(tested, 'once:1', 60 + round);
      const id = first.idOf(image);
      await first.tag(first.idOf(other), image.name);
      const stage = async (engine: Engine, root: string) => {
        await fetchFrom(engine, image);
        await engine.pin(root, [requestFor(engine, image)]);
        await engine.tag(id, image.name);
      };
      const roots = ['once-a', 'once-b'] as const;
      await Promise.all([stage(first, roots[0]), stage(second, roots[1])]);
      assert.deepEqual(await namesOf(first, id), [image.name]);
      for (const root of roots) assert.ok((await pinnedFor(first, root)).includes(id));
    }
  });
}
