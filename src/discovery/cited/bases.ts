import { onceFor } from '../../common/once-for.ts';
import { allowanceSpent } from '../allowance.ts';
import { type BaseImages, type BuildOptions, baseImages } from '../containerfile/base-images.ts';
import type { CitedText } from './text.ts';

/** The base images of a Containerfile, by the options of the build. */
const basesOf = onceFor<CitedText, Map<string, BaseImages>>(() => new Map());

/**
 * The base images of a Containerfile that units cite, read once for all builds with the same options.
 */
export function citedBases(file: CitedText, options: BuildOptions): BaseImages {
  const known = basesOf(file);
  const { buildArgs, contexts = new Map(), target } = options;
  const key = JSON.stringify([[...buildArgs], [...contexts], target]);
  const found = known.get(key);
  if (found !== undefined) return found;
  // The first reading was paid for with the file.
  if (known.size > 0 && !options.allowance.spend(file.text.length)) return unreadBases;
  const bases = baseImages(file.text, options);
  known.set(key, bases);
  return bases;
}

/** The outcome for a Containerfile that exceeds the allowance. */
export const unreadBases: BaseImages = { images: [], faults: [allowanceSpent] };
