import type { Depot } from '../engine/depot.ts';
import type { Engine } from '../engine/engine.ts';
import type { Engines } from '../engine/engines.ts';
import type { FetchWatch } from '../engine/fetch-watch.ts';
import { withBring, withFetch } from '../engine/with-fetch.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import { LifecycleError } from './error.ts';

/** A part of every day, in minutes of local time since midnight; `to` is no part of it. */
export interface QuietHours {
  readonly from: number;
  readonly to: number;
}

export interface WallClock {
  readonly now: () => Date;
  /** @returns a function that calls it off. */
  readonly after: (milliseconds: number, call: () => void) => () => void;
}

const wallClock: WallClock = {
  now: () => new Date(),
  after: (milliseconds, call) => {
    const timer = setTimeout(call, milliseconds);
    return () => clearTimeout(timer);
  },
};

/**
 * Reads `08:00-18:00`; over midnight too: `22:00-06:00`.
 *
 * @returns undefined for any other text.
 */
export function parseQuietHours(text: string): QuietHours | undefined {
  const times = /^(\d\d):(\d\d)\s*-\s*(\d\d):(\d\d)$/.exec(text.trim())?.slice(1).map(Number);
  const [fromHour = 24, fromMinute = 60, toHour = 24, toMinute = 60] = times ?? [];
  if (fromHour > 23 || toHour > 23 || fromMinute > 59 || toMinute > 59) return undefined;
  const hours = { from: fromHour * 60 + fromMinute, to: toHour * 60 + toMinute };
  return hours.from === hours.to ? undefined : hours;
}

/** Engines that bring nothing over the network in quiet hours. */
export function quietEngines(engines: Engines, hours: QuietHours): Engines {
  const opened = new WeakMap<Engine, Engine>();
  return {
    ...engines,
    open: async (id) => {
      const engine = await engines.open(id);
      const quiet = opened.get(engine) ?? keepingQuiet(engine, hours);
      opened.set(engine, quiet);
      return quiet;
    },
  };
}

/**
 * An engine that brings nothing over the network in quiet hours. A download that is under way when they
 * begin ends, and goes on in a later run. Images in a layout, and those that wait in the depot, need no
 * network.
 */
export function keepingQuiet(
  engine: Engine,
  hours: QuietHours,
  { now, after }: WallClock = wallClock,
): Engine {
  const beforeQuiet = async <T>(watch: FetchWatch, bring: (watch: FetchWatch) => Promise<T>) => {
    if (isQuiet(hours, now())) throw quiet(hours);
    const begun = new AbortController();
    const cancel = after(next(hours.from, now()).getTime() - now().getTime(), () =>
      begun.abort(quiet(hours)),
    );
    const signals = watch.signal === undefined ? [] : [watch.signal];
    const signal = AbortSignal.any([...signals, begun.signal]);
    try {
      return await bring({ ...watch, signal });
    } finally {
      cancel();
    }
  };
  const bringing =
    (depot: Depot): Depot['bring'] =>
    async (hold, image, blobs, source, watch) =>
      source.from === 'registry'
        ? beforeQuiet(watch, (until) => depot.bring(hold, image, blobs, source, until))
        : depot.bring(hold, image, blobs, source, watch);
  const fetch: Engine['fetch'] = async (image, source, watch = {}) => {
    const isLocal =
      source.from === 'layout' || (isQuiet(hours, now()) && (await isAtHand(engine, image)));
    return isLocal
      ? engine.fetch(image, source, watch)
      : beforeQuiet(watch, (until) => engine.fetch(image, source, until));
  };
  const { depot } = engine;
  return withFetch(
    engine,
    fetch,
    depot === undefined ? undefined : withBring(depot, bringing(depot)),
  );
}

/** Whether the engine can take an image from its depot, which has everything that the engine lacks. */
async function isAtHand(engine: Engine, image: ResolvedImage): Promise<boolean> {
  if (engine.depot?.find(image.name, image) === undefined) return false;
  const { images } = await engine.footprint([image]);
  return images.every(({ missing }) => missing.length === 0);
}

function isQuiet({ from, to }: QuietHours, date: Date): boolean {
  const minute = date.getHours() * 60 + date.getMinutes();
  return from < to ? from <= minute && minute < to : from <= minute || minute < to;
}

/** When quiet hours end that are under way, or begin next. */
export function endOfQuietHours({ to }: QuietHours, date: Date): Date {
  return next(to, date);
}

/** The next time that the clock shows so many minutes after midnight. The clock change of a night is part of it. */
function next(minute: number, date: Date): Date {
  const found = new Date(date);
  found.setHours(Math.floor(minute / 60), minute % 60, 0, 0);
  if (found <= date) found.setDate(found.getDate() + 1);
  return found;
}

function quiet({ to }: QuietHours): LifecycleError {
  const digits = (number: number) => String(number).padStart(2, '0');
  const end = `${digits(Math.floor(to / 60))}:${digits(to % 60)}`;
  return new LifecycleError('quiet-hours', `quiet hours until ${end}`, {
    hint: 'by `quiet-hours` of berth.toml; `berth stage` fetches at once',
    kind: 'waits',
  });
}
