import type { EngineId } from '../common/engine-id.ts';
import { distinctBlobs } from '../image/resolved.ts';
import type { Depot } from './depot.ts';
import type { Absence, Engine } from './engine.ts';
import { EngineError } from './errors.ts';
import { lineThatMatters } from './line-that-matters.ts';

/**
 * The absence of another user's podman that fails: that user alone may be to blame, so the failure must not
 * keep the engines of others from their images. A podman that can't be reached may be there at the next boot; of
 * one that answers and fails nothing says that it will work then.
 */
export function absenceBy({ code, message, hint }: EngineError): Absence {
  const takes = code === 'engine-unreachable' ? 'at-boot' : 'never';
  return { reason: lineThatMatters(message), hint, takes };
}

/**
 * An engine that can't be used now. Images wait for it in its depot, and it has neither images nor pins:
 * what it may have elsewhere can't be seen from here.
 */
export function absentEngine(id: EngineId, absence: Absence, depot: Depot): Engine {
  const { reason, hint } = absence;
  const refuse = async (what: string): Promise<never> => {
    throw new EngineError('engine-absent', `can't ${what} with ${id}: ${reason}`, { hint });
  };
  return {
    id,
    traits: { downloads: 'berth', judges: 'berth', pullsAs: 'other', pins: 'firm' },
    // The depot limits its downloads itself, and chooses the largest blob among those of all images.
    concurrency: 64,
    depot,
    absence,
    info: async () => ({ name: id, version: '', directory: depot.directory, description: reason }),
    // The id that every engine but the store gives an image.
    idOf: (image) => image.config,
    images: async () => [],
    has: async () => false,
    footprint: async (images) => ({
      images: images.map(({ blobs }) => ({
        lacking: distinctBlobs(blobs),
        missing: depot.missing(blobs),
      })),
      direct: [],
      fromDepot: [],
    }),
    freed: async () => 0,
    fetch: (image) => refuse(`fetch ${image.name}`),
    tag: (_, name) => refuse(`name an image ${name}`),
    remove: async () => false,
    pins: async () => [],
    roomFor: async () => undefined,
    pin: async (root, images) => {
      if (images.length > 0) await refuse(`pin images of ${root}`);
    },
    unpin: async (pins) => {
      if (pins.length > 0) await refuse('drop pins');
    },
    close: async () => undefined,
  };
}
