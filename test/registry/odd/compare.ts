import { join } from 'node:path';
import type { Skopeo } from '../../support/skopeo.ts';
import { askBerth, askSkopeo, type Outcome } from './ask.ts';
import { judge } from './judge.ts';
import type { Scenario } from './scenario.ts';
import { openWorld } from './world.ts';

/** What both clients did with one scenario, and whether berth asked for a part of a blob. */
export interface Compared {
  readonly skopeo: Outcome;
  readonly berth: Outcome;
  readonly isContinued: boolean;
}

/** Lets skopeo and then berth fetch the image of a scenario, and judges what they did. */
export async function compare(
  skopeo: Skopeo,
  scenario: Scenario,
  directory: string,
): Promise<Compared> {
  const world = await openWorld(scenario);
  try {
    const bySkopeo = await askSkopeo(skopeo, world, join(directory, 'skopeo'));
    for (const running of [world.registry, ...world.mirrors]) running.reset();
    const [lowest] = world.registry.built.layers;
    const begun =
      scenario.isBegun && lowest ? { digest: lowest[0], content: lowest[1] } : undefined;
    const byBerth = await askBerth(world, join(directory, 'berth'), begun);
    const found = { skopeo: bySkopeo, berth: byBerth };
    judge(scenario, world, found);
    const asked = [world.registry, ...world.mirrors].flatMap(({ asked }) => asked);
    return { ...found, isContinued: asked.some(({ headers }) => headers.has('range')) };
  } finally {
    await world.close();
  }
}
