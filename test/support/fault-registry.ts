import type { TestContext } from 'node:test';
import fc from 'fast-check';
import type { BuiltImage } from './image-builder.ts';
import { type RegistryOptions, startRegistry, type TestRegistry } from './registry.ts';
import type { LoggedRequest } from './registry-answer.ts';
import type { Fault } from './registry-fault.ts';

/** What the requests of a fetch are for. */
export type Stage = 'manifest' | 'blob' | 'token';

/** What goes wrong: an answer that is bad of itself, or one that needs to know who asks, and where. */
export type Trouble =
  | Fault
  /** Every token that was given is worthless from here on. */
  | { readonly kind: 'expired' }
  /** An error that repeats what the client proved itself with. */
  | { readonly kind: 'echo'; readonly status: number }
  /** To another host, which has the same, asks for credentials, or fails. */
  | {
      readonly kind: 'elsewhere';
      readonly status: 301 | 302 | 303 | 307 | 308;
      readonly does: Does;
    }
  /** To where it came from. */
  | { readonly kind: 'circle'; readonly hosts: 1 | 2 };

type Does = 'serves' | 'asks' | 'fails';

/** Some trouble with the requests of a stage: with so many, after so many. */
export interface PlannedTrouble {
  readonly stage: Stage;
  readonly after: number;
  readonly times: number;
  readonly trouble: Trouble;
}

/** A registry in trouble, and another host to which it leads its clients. */
export interface FaultRegistry {
  readonly registry: TestRegistry;
  readonly elsewhere: TestRegistry;
  /** To both hosts. */
  push(name: string, image: BuiltImage): void;
  /** From now on, until the next call. */
  plan(troubles: readonly PlannedTrouble[]): void;
  /** Of the requests to the other host those that came with credentials. */
  leaked(): readonly LoggedRequest[];
}

export async function startFaultRegistry(
  t: TestContext,
  options: RegistryOptions = {},
): Promise<FaultRegistry> {
  const registry = await startRegistry(options);
  t.after(() => registry.close());
  const elsewhere = await startRegistry();
  t.after(() => elsewhere.close());
  return {
    registry,
    elsewhere,
    push: (name, image) => {
      elsewhere.push(name, image);
      registry.push(name, image);
    },
    plan: (troubles) => {
      const seen = new Map<Stage, number>();
      const answer = (stage: Stage, request: LoggedRequest) => {
        const number = seen.get(stage) ?? 0;
        seen.set(stage, number + 1);
        const found = troubles.find(
          (planned) =>
            planned.stage === stage &&
            number >= planned.after &&
            number < planned.after + planned.times,
        );
        return found && faultOf(found.trouble, request, registry, elsewhere);
      };
      registry.fault = (request) =>
        answer(request.path.includes('/blobs/') ? 'blob' : 'manifest', request);
      registry.tokenFault = (request) => answer('token', request);
      elsewhere.fault = ({ path }) => badElsewhere(path, `http://${registry.host}`);
    },
    leaked: () => elsewhere.requests.filter(({ authorization }) => authorization !== undefined),
  };
}

function faultOf(
  trouble: Trouble,
  { path, authorization }: LoggedRequest,
  registry: TestRegistry,
  elsewhere: TestRegistry,
): Fault | undefined {
  if (!('kind' in trouble)) return trouble;
  switch (trouble.kind) {
    case 'expired':
      registry.expireTokens();
      return undefined;
    case 'echo': {
      const errors = [
        { code: 'DENIED', message: `not with ${authorization}`, detail: authorization },
      ];
      return { status: trouble.status, body: JSON.stringify({ errors }) };
    }
    case 'elsewhere': {
      const location = `http://${elsewhere.host}${path}${path.includes('?') ? '&' : '?'}does=${trouble.does}`;
      return { status: trouble.status, headers: { location } };
    }
    case 'circle': {
      const location = trouble.hosts === 1 ? path : `http://${elsewhere.host}/circle${path}`;
      return { status: 307, headers: { location } };
    }
    default:
      return trouble;
  }
}

function badElsewhere(path: string, origin: string): Fault | undefined {
  if (path.startsWith('/circle/')) {
    return { status: 307, headers: { location: `${origin}${path.slice('/circle'.length)}` } };
  }
  if (path.endsWith('does=fails')) return { status: 503, body: '<h1>Over capacity</h1>' };
  if (!path.endsWith('does=asks')) return undefined;
  return { status: 401, headers: { 'www-authenticate': 'Basic realm="give me your password"' } };
}

const retryAfter = fc.option(
  fc.constantFrom('0', '1', 'soon', '-1', '99999999999', new Date(0).toUTCString()),
);

const status = fc
  .tuple(
    fc.constantFrom(400, 401, 403, 404, 416, 429, 429, 429, 500, 502, 503, 504, 204, 206),
    retryAfter,
  )
  .map(
    ([code, after]): Trouble => ({
      status: code,
      ...(after === null ? {} : { headers: { 'retry-after': after } }),
      body: code === 429 ? '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}' : '',
    }),
  );

const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  { weight: 4, arbitrary: status },
  fc.constant<Trouble>({ kind: 'altered' }),
  fc.record({ kind: fc.constant('truncated'), missing: fc.integer({ min: 1, max: 200_000 }) }),
  fc.record({
    kind: fc.constant('longer'),
    extra: fc.integer({ min: 1, max: 100_000 }).map((bytes) => Buffer.alloc(bytes, 'x')),
  }),
  fc.constant<Trouble>({ kind: 'endless' }),
  fc.record({
    kind: fc.constant('slow'),
    bytes: fc.constantFrom(1, 10_000, 40_000),
    every: fc.constantFrom(1, 20),
  }),
  fc
    .constantFrom('text/html', '', 'application/json', 'application/vnd.oci.image.index.v1+json')
    .map((mediaType): Trouble => ({ kind: 'mislabelled', mediaType })),
  fc.constant<Trouble>({ kind: 'misnamed' }),
  fc.constant<Trouble>({ kind: 'reset-at-once' }),
  fc.record({
    kind: fc.constantFrom('reset', 'stall'),
    after: fc.integer({ min: 0, max: 200_000 }),
  }),
  fc.constant<Trouble>({ kind: 'expired' }),
  fc.constantFrom(401, 403, 500).map((code): Trouble => ({ kind: 'echo', status: code })),
  fc.record({
    kind: fc.constant('elsewhere'),
    status: fc.constantFrom(301, 302, 303, 307, 308),
    does: fc.constantFrom<Does>('serves', 'asks', 'fails'),
  }),
  fc.constantFrom(1, 2).map((hosts): Trouble => ({ kind: 'circle', hosts })),
);

/** Trouble of one to four kinds; what never ends is as likely as what passes. */
export const troubles: fc.Arbitrary<readonly PlannedTrouble[]> = fc.array(
  fc.record({
    stage: fc.constantFrom<Stage>('manifest', 'blob', 'blob', 'token'),
    after: fc.nat({ max: 6 }),
    times: fc.constantFrom(1, 2, Number.POSITIVE_INFINITY),
    trouble,
  }),
  { minLength: 1, maxLength: 4 },
);
