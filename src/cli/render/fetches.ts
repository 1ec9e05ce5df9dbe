import type { Unpacked } from '../../engine/fetch-watch.ts';
import type { ProgressEvent } from '../../lifecycle/events.ts';
import { imageOf, keyOf } from './progress-lines.ts';

/**
 * What is done with an image at the moment. An image is `unpacking` once all of its bytes have come.
 */
export type FetchState = 'waiting' | 'downloading' | 'unpacking' | 'pinning' | 'done' | 'failed';

export interface Fetch {
  readonly image: string;
  /** All bytes of the image that have to come. */
  readonly total: number;
  /** As many of the bytes that have to come for all images: a layer of several images counts once. */
  readonly part: number;
  /** The bytes of the image that have come. */
  readonly bytes: number;
  readonly state: FetchState;
  /** How far the engine is with unpacking, if it tells. */
  readonly unpacked?: Unpacked;
  /** When the download began, in milliseconds of `performance.now()`. */
  readonly startedAt: number;
}

/** All images together. */
export interface Whole {
  readonly images: number;
  readonly done: number;
  readonly failed: number;
  readonly bytes: number;
  readonly total: number;
  /** Bytes a second in the last seconds; undefined at the beginning. */
  readonly rate: number | undefined;
}

/** The images that a command brings, as its events tell. */
export interface Fetches {
  /** @returns the image that the event is about, as it is from here on. */
  hear(event: ProgressEvent): Fetch | undefined;
  all(): Iterable<Fetch>;
  whole(): Whole;
}

/** @param now the time in milliseconds. */
export function followFetches(now: () => number): Fetches {
  const fetches = new Map<string, Fetch>();
  const passed: { readonly at: number; readonly bytes: number }[] = [];
  let bytes = 0;
  let total = 0;
  const counts = { done: 0, failed: 0 };
  const set = (key: string, fetch: Fetch): Fetch => {
    const before = fetches.get(key);
    bytes += partOf(fetch) - partOf(before);
    total += fetch.part - (before?.part ?? 0);
    for (const end of ['done', 'failed'] as const) {
      counts[end] += Number(endOf(fetch) === end) - Number(endOf(before) === end);
    }
    fetches.set(key, fetch);
    return fetch;
  };
  const forget = () => {
    fetches.clear();
    passed.length = 0;
    [bytes, total] = [0, 0];
    Object.assign(counts, { done: 0, failed: 0 });
  };
  /** What comes in a later run is no part of the whole. */
  const forgetOne = (key: string) => {
    const fetch = fetches.get(key);
    bytes -= partOf(fetch);
    total -= fetch?.part ?? 0;
    fetches.delete(key);
  };
  const note = () => {
    const at = now();
    if (at - (passed.at(-1)?.at ?? Number.NEGATIVE_INFINITY) < SAMPLE) return;
    passed.push({ at, bytes });
    if (passed.length > SAMPLES) passed.shift();
  };
  return {
    hear: (event) => {
      if (!('id' in event)) return undefined;
      // A command that fetches again and again, as a watch does, counts each time from the beginning.
      if (event.event === 'fetch-planned' && isOver({ images: fetches.size, ...counts })) forget();
      const key = keyOf(event);
      const known = fetches.get(key);
      if (event.event === 'fetch-deferred') {
        forgetOne(key);
        return known;
      }
      const next = after(event, known, now());
      if (next === known || next === undefined) return known;
      const fetch = set(key, next);
      note();
      return fetch;
    },
    all: () => fetches.values(),
    whole: () => {
      const [first] = passed;
      const seconds = first === undefined ? 0 : (now() - first.at) / 1000;
      const rate = first === undefined || seconds < 1 ? undefined : (bytes - first.bytes) / seconds;
      return { images: fetches.size, ...counts, bytes: Math.round(bytes), total, rate };
    },
  };
}

/** Whether nothing is left to bring. */
export function isOver({ images, done, failed }: Pick<Whole, 'images' | 'done' | 'failed'>) {
  return images === done + failed;
}

/** The rate is that of the last so many samples, each so many milliseconds after the one before. */
const SAMPLES = 20;
const SAMPLE = 500;

/** Whether an image is here or has failed. What is only pinned is here. */
function endOf(fetch: Fetch | undefined): 'done' | 'failed' | undefined {
  if (fetch?.state === 'pinning') return 'done';
  return fetch?.state === 'done' || fetch?.state === 'failed' ? fetch.state : undefined;
}

/** How many bytes of the whole have come with an image. */
function partOf(fetch: Fetch | undefined): number {
  if (fetch === undefined || fetch.total === 0) return 0;
  return fetch.part * (fetch.bytes / fetch.total);
}

/** An image after an event; undefined for an event that brings no image. */
function after(event: ProgressEvent, known: Fetch | undefined, at: number): Fetch | undefined {
  switch (event.event) {
    case 'fetch-planned': {
      const { bytes } = event;
      return {
        image: imageOf(event),
        total: bytes,
        part: bytes,
        bytes: 0,
        state: 'waiting',
        startedAt: at,
      };
    }
    case 'fetch-started': {
      const { bytes: total } = event;
      const state = total === 0 ? 'unpacking' : 'downloading';
      const part = known?.part ?? total;
      return { image: imageOf(event), total, part, bytes: 0, state, startedAt: at };
    }
    case 'fetch-progress': {
      if (known === undefined) return undefined;
      const bytes = Math.min(known.total, Math.max(known.bytes, event.bytes));
      return { ...known, bytes, state: bytes < known.total ? 'downloading' : 'unpacking' };
    }
    case 'unpack-progress': {
      const { bytes, total } = event;
      return known && { ...known, unpacked: { bytes, total } };
    }
    case 'fetched':
      return known && { ...known, bytes: known.total, state: 'done' };
    case 'fetch-failed':
      return known && { ...known, state: 'failed' };
    case 'pinning':
      return known && { ...known, state: 'pinning' };
    case 'pinned':
      // An image that was there before is only pinned.
      return known && { ...known, bytes: known.total, state: 'done' };
    default:
      return known;
  }
}
