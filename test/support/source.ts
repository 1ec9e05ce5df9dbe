import type { Source } from '../../src/engine/source.ts';
import type { Access } from '../../src/registry/access.ts';

/** The source of an image that is fetched from its registry. */
export function fromRegistry(access: Access = {}): Source {
  return { from: 'registry', access };
}
