import fc from 'fast-check';
import { type Login, logins } from './login.ts';
import { often } from './often.ts';
import { type Ranges, ranges } from './ranges.ts';
import { type Redirects, redirects } from './redirects.ts';
import type { WireOddity } from './wire.ts';
import { wireOddities } from './wire-oddities.ts';

/** What a request is for. */
export type Stage = 'ping' | 'head' | 'tag' | 'manifest' | 'config' | 'layer' | 'token' | 'stored';

/** How one registry behaves. */
export interface OddRegistry {
  readonly isTls: boolean;
  /** Whether registries.conf lets certificates go unchecked although there is TLS. */
  readonly isLax: boolean;
  /** Without TLS: whether a client that begins with TLS gets an answer in plain text. */
  readonly isChatty: boolean;
  readonly login: Login | undefined;
  readonly redirects: (Redirects & { readonly of: Stage }) | undefined;
  readonly ranges: Ranges;
  /** The status of its replies to HEAD, with 200 without any header; undefined: as for GET. */
  readonly head: number | undefined;
  /** What it lacks of the image, if anything. */
  readonly lacks: 'all' | 'the platform' | 'layers' | undefined;
  readonly wire: readonly Placed[];
}

/** An oddity of the first so many replies of a stage. */
export interface Placed {
  readonly at: Stage;
  readonly times: number;
  readonly oddity: WireOddity;
}

const STAGES = [
  'ping',
  'tag',
  'manifest',
  'config',
  'layer',
  'layer',
  'token',
  'stored',
  'head',
] as const;

/** @param harm how many of ten oddities of the wire spoil a reply. */
export function registries(harm: number): fc.Arbitrary<OddRegistry> {
  return fc.record({
    isTls: often(false, fc.constant(true), 5),
    isLax: fc.boolean(),
    isChatty: fc.boolean(),
    login: often(undefined, logins, 2),
    redirects: often(
      undefined,
      fc
        .tuple(
          redirects,
          fc.constantFrom<Stage>('layer', 'layer', 'config', 'tag', 'manifest', 'token', 'ping'),
        )
        .map(([found, of]) => ({ ...found, of })),
      3,
    ),
    ranges,
    head: often(undefined, fc.constantFrom(400, 401, 403, 404, 405, 416, 429, 500, 501, 200), 4),
    lacks: fc.constant(undefined),
    wire: fc.array(
      fc.record({
        at: fc.constantFrom<Stage>(...STAGES),
        times: often(Number.MAX_SAFE_INTEGER, fc.constantFrom(1, 2), 2),
        oddity: wireOddities(harm),
      }),
      { maxLength: 2 },
    ),
  });
}
