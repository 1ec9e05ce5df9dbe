import type { EngineId } from '../common/engine-id.ts';

/**
 * An event that a long command reports while it runs: one stream, rendered by whoever listens.
 * src/documents/progress.ts is its schema, docs/progress.md describes it.
 */
export type ProgressEvent = ImageEvent | ServiceEvent | RegistryEvent | Warning | WatchEvent;

/** Something happens to one image. */
type ImageEvent =
  /** A registry, a lock or a record has said what a name means. */
  | (About & Named & { readonly event: 'resolved'; readonly digest: string })
  /** Nobody could say what a name means. The other names are resolved nevertheless. */
  | (About & Named & Failure & { readonly event: 'resolve-failed' })
  /** An image will come: said of all images before the first begins. `bytes` is its part of the whole. */
  | (About & Identified & { readonly event: 'fetch-planned'; readonly bytes: number })
  /** A download of `bytes` begins; 0 for an image that only has to be unpacked. */
  | (About & Identified & { readonly event: 'fetch-started'; readonly bytes: number })
  /** `bytes` have come so far, of the number that `fetch-started` named. */
  | (About & Identified & { readonly event: 'fetch-progress'; readonly bytes: number })
  /** The engine has unpacked `bytes` of the `total` that the image's layers have, packed. Only some engines tell. */
  | (About &
      Identified & {
        readonly event: 'unpack-progress';
        readonly bytes: number;
        readonly total: number;
      })
  | (About & Identified & { readonly event: 'fetched' })
  | (About & Identified & Failure & { readonly event: 'fetch-failed' })
  /** Nothing is wrong: the image comes in a later run, as in quiet hours. */
  | (About & Identified & Failure & { readonly event: 'fetch-deferred' })
  | (Identified & { readonly event: 'pinning'; readonly root: string })
  | (Identified & { readonly event: 'pinned'; readonly root: string })
  /** The name means the image from here on. */
  | (About & Identified & { readonly event: 'named' })
  | (About & Identified & { readonly event: 'removed' });

/** What `berth watch` sees and does. */
type WatchEvent =
  /** From here on no loss of the engine goes unseen. */
  | (About & { readonly event: 'listening'; readonly engine: EngineId })
  /** Something that a root wants is gone; the code is that of the finding. */
  | (Identified & Failure & { readonly event: 'lost'; readonly root: string })
  /** The lost thing is back, so many milliseconds after the watch missed it. */
  | (Identified & {
      readonly event: 'healed';
      readonly root: string;
      readonly code: string;
      readonly milliseconds: number;
    });

type ServiceEvent = About & { readonly event: 'restarting'; readonly unit: string };

type RegistryEvent =
  /** A request to a registry failed and is repeated after some milliseconds; the message says why it failed. */
  | (About & Failure & { readonly event: 'retry'; readonly milliseconds: number })
  /** A registry has sent nothing for so many milliseconds, and is still waited for. */
  | (About & {
      readonly event: 'waiting';
      readonly registry: string;
      readonly milliseconds: number;
    });

type Warning = About & {
  readonly event: 'warning';
  readonly code: WarningCode;
  readonly message: string;
  /** The image that the warning is about, if it is about one. */
  readonly name?: string;
};

interface About {
  /** The id of the root that the event is about; absent if it is about no root, or about several. */
  readonly root?: string;
}

interface Named {
  readonly name: string;
}

interface Identified extends Named {
  /** The engine's id of the image; of a bundle, `bundle`. */
  readonly id: string;
  /** The engine whose image it is; absent for a bundle. */
  readonly engine?: EngineId;
}

interface Failure {
  readonly code: string;
  readonly message: string;
}

/** The codes of warnings: docs/progress.md explains each. */
export const warningCodes = [
  'engine-unheard',
  'heal-failed',
  'held-back',
  'layers-unknown',
  'name-kept',
  'no-handover',
  'not-limited',
  'not-restarted',
  'other-location',
  'passed-over',
  'pins-not-made',
  'quiet-hours',
  'record-damaged',
  'record-lost',
  'removed-by-somebody',
  'service-down',
  'signatures-left-out',
  'signatures-unknown',
  'strange-pin',
  'torn-image',
  'unproven-pins',
  'waiting-for-lock',
] as const;

export type WarningCode = (typeof warningCodes)[number];

export type Report = (event: ProgressEvent) => void;

/** A `report` that adds the engine to each event about an image of it. */
export function aboutEngine(report: Report, engine: EngineId): Report {
  return (event) => report('id' in event ? { ...event, engine } : event);
}

/** The context with a `report` that adds the root to each event without one. */
export function aboutRoot<T extends { readonly report: Report }>(context: T, root: string): T {
  const report: Report = (event) => context.report({ ...event, root: event.root ?? root });
  return { ...context, report };
}
