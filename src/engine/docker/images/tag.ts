import { EngineError } from '../../errors.ts';
import type { Moorings } from '../pins/holds.ts';
import { listPins } from '../pins/pin.ts';
import { giveName } from './names.ts';
import { targetMeant } from './targets.ts';

/** Makes a tagged name mean the image: the very manifest or index for which the name stands in pins. */
export async function tagImage(moorings: Moorings, id: string, name: string): Promise<void> {
  const pins = (await listPins(moorings)).filter((pin) => pin.id === id);
  const meant = pins.flatMap(({ names }) => names.filter((served) => served.name === name));
  const found = await targetMeant(moorings, id, meant);
  if (found !== undefined && (await giveName(moorings.api, found.target, name))) return;
  throw new EngineError('no-such-image', `${id} can't be named ${name}: docker does not have it`, {
    hint: 'it was removed meanwhile; run the same command again',
  });
}
