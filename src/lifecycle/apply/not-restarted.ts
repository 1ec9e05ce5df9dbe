import { counted } from '../../common/counted.ts';
import type { Engine } from '../../engine/engine.ts';
import { type Contents, placeOf, type RecordImage } from '../../state/record.ts';
import type { Report } from '../events.ts';

/** An image on one engine. */
type Place = Pick<RecordImage, 'engine' | 'id'>;

/** Warns of new images that other engines run than the one whose services are restarted. */
export function sayNotRestarted(
  { engine, report }: { readonly engine: Pick<Engine, 'id'>; readonly report: Report },
  images: readonly Place[],
  before: Pick<Contents, 'images'> | undefined,
): void {
  const known = new Set((before?.images ?? []).map(placeOf));
  const changed = images.filter(
    (image) => image.engine !== engine.id && !known.has(placeOf(image)),
  );
  if (changed.length === 0) return;
  const engines = [...new Set(changed.map((image) => image.engine))].join(', ');
  const message = `there ${changed.length === 1 ? 'is' : 'are'} ${counted(changed.length, 'new image')} for ${engines}, and apply restarts only services that ${engine.id} runs: restart the others by hand`;
  report({ event: 'warning', code: 'not-restarted', message });
}
