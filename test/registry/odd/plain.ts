import type { OddImage } from './image.ts';
import type { Login } from './login.ts';
import type { OddRegistry } from './registry.ts';
import type { Scenario } from './scenario.ts';

/** What differs from a scenario in which nothing is odd. */
export interface Differences {
  readonly image?: Partial<OddImage>;
  readonly registry?: Partial<OddRegistry>;
}

export function scenarioWith({ image, registry }: Differences): Scenario {
  return {
    image: { ...plainImage, ...image },
    registry: { ...plainRegistry, ...registry },
    mirrors: [],
    isBegun: false,
  };
}

const plainImage: OddImage = {
  format: 'oci',
  isIndexed: false,
  isNested: false,
  isSchema1: false,
  layers: [{ packed: 'gzip', bytes: 3000, urls: 'none', isThere: true }],
  config: [],
  manifest: [],
  index: [],
};

const plainRegistry: OddRegistry = {
  isTls: false,
  isLax: false,
  isChatty: false,
  login: undefined,
  redirects: undefined,
  ranges: 'served',
  head: undefined,
  lacks: undefined,
  wire: [],
};

/** Tokens for anybody from the registry itself. */
export const plainLogin: Login = {
  challenges: ['Bearer realm="{realm}",service="odd",scope="{scope}"'],
  isApart: false,
  accepts: ['bearer'],
  isPublic: true,
  checksScope: true,
  stranger: 'challenge',
  isPingOpen: false,
  realm: 'own',
  token: '{"token":"{token}"}',
  tokenStatus: 200,
  tokenLength: 20,
  uses: Number.MAX_SAFE_INTEGER,
  client: 'nothing',
};
