import type { PresentImage, Why } from '../lifecycle/why.ts';
import { imageReference, placeEntry } from './entries.ts';

/** The JSON of an answer about one image. */
export function whyEntry(why: Why) {
  const presentOn = why.present.map(presentEntry);
  const [present] = presentOn;
  return {
    image: why.image,
    references: why.references.map(imageReference),
    otherTags: [...why.otherTags],
    roots: why.roots.map((root) => ({ ...root, references: root.references.map(placeEntry) })),
    ...(present === undefined ? {} : { present }),
    presentOn,
    pins: why.pins.map(({ engine, root, id, handle }) => ({ engine, root, id, handle })),
  };
}

function presentEntry({ engine, id, names, digests, size }: PresentImage) {
  return { engine, id, names: [...names], digests: [...digests], size };
}
