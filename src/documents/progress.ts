import * as v from 'valibot';
import { EngineIdText } from '../engine/engine-id-schema.ts';
import { warningCodes } from '../lifecycle/events.ts';

/** The id of the event's root; absent for an event that concerns no root, or several. */
const about = { root: v.exactOptional(v.string()) };

const named = { name: v.string() };

/** The engine and its id of the image; `bundle` and no engine for a bundle. */
const identified = {
  id: v.string(),
  ...named,
  engine: v.exactOptional(EngineIdText),
};

const failure = { code: v.string(), message: v.string() };

/** A line of `--progress json`. */
export const ProgressEvent = v.variant('event', [
  v.strictObject({ event: v.literal('resolved'), ...about, ...named, digest: v.string() }),
  /** Nobody could say what a name means. */
  v.strictObject({ event: v.literal('resolve-failed'), ...about, ...named, ...failure }),
  /** An image will come: said of all images before the first begins. `bytes` is its part of the whole. */
  v.strictObject({
    event: v.literal('fetch-planned'),
    ...about,
    ...identified,
    bytes: v.number(),
  }),
  /** `bytes` will arrive now; 0 for an image that only has to be unpacked. */
  v.strictObject({
    event: v.literal('fetch-started'),
    ...about,
    ...identified,
    bytes: v.number(),
  }),
  /** `bytes` have arrived so far. */
  v.strictObject({
    event: v.literal('fetch-progress'),
    ...about,
    ...identified,
    bytes: v.number(),
  }),
  /** `bytes` of the `total` bytes that the layers have, packed, are unpacked. */
  v.strictObject({
    event: v.literal('unpack-progress'),
    ...about,
    ...identified,
    bytes: v.number(),
    total: v.number(),
  }),
  v.strictObject({ event: v.literal('fetched'), ...about, ...identified }),
  v.strictObject({ event: v.literal('fetch-failed'), ...about, ...identified, ...failure }),
  /** Nothing is wrong: the image comes in a later run. */
  v.strictObject({ event: v.literal('fetch-deferred'), ...about, ...identified, ...failure }),
  v.strictObject({ event: v.literal('pinning'), root: v.string(), ...identified }),
  v.strictObject({ event: v.literal('pinned'), root: v.string(), ...identified }),
  v.strictObject({ event: v.literal('named'), ...about, ...identified }),
  v.strictObject({ event: v.literal('removed'), ...about, ...identified }),
  /** From here on no loss of the engine goes unseen. */
  v.strictObject({ event: v.literal('listening'), ...about, engine: EngineIdText }),
  /** Something that a root wants is gone; the code is that of the finding of `berth verify`. */
  v.strictObject({ event: v.literal('lost'), root: v.string(), ...identified, ...failure }),
  /** The lost thing is back, so many milliseconds after the watch missed it. */
  v.strictObject({
    event: v.literal('healed'),
    root: v.string(),
    ...identified,
    code: v.string(),
    milliseconds: v.number(),
  }),
  v.strictObject({ event: v.literal('restarting'), ...about, unit: v.string() }),
  v.strictObject({ event: v.literal('retry'), ...about, ...failure, milliseconds: v.number() }),
  /** The registry has sent nothing for so many milliseconds, and is still waited for. */
  v.strictObject({
    event: v.literal('waiting'),
    ...about,
    registry: v.string(),
    milliseconds: v.number(),
  }),
  v.strictObject({
    event: v.literal('warning'),
    ...about,
    name: v.exactOptional(v.string()),
    code: v.picklist(warningCodes),
    message: v.string(),
  }),
]);
