import type { PinRequest } from '../../src/engine/pin.ts';
import type { ResolvedImage } from '../../src/image/resolved.ts';

export function request(image: ResolvedImage, location = '/os'): PinRequest {
  return {
    id: image.manifest,
    platform: image.platform,
    names: [{ name: image.name, digest: image.digest, manifest: image.manifest }],
    fetched: true,
    record: { location, images: 1, problems: 0, staged: '2026-01-02T03:04:05.000Z' },
  };
}
