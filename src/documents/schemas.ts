import * as v from 'valibot';
import { EngineIdText } from '../engine/engine-id-schema.ts';
import {
  BareFailure,
  Engine,
  envelope,
  Failure,
  Finding,
  ImageReference,
  PlanFields,
  Problem,
  ProvidedArchive,
  RecordedReference,
} from './schema-parts.ts';

// The types of the documents that commands print. docs/schemas has a file for each export.

export const ImageList = v.object({
  ...envelope('ImageList'),
  root: v.string(),
  images: v.array(
    v.object({
      image: v.string(),
      digest: v.optional(v.string()),
      references: v.array(ImageReference),
    }),
  ),
  problems: v.array(Problem),
});

export const Plan = v.object({ ...envelope('Plan'), ...PlanFields });

export const LockResult = v.object({
  ...envelope('LockResult'),
  root: v.string(),
  path: v.string(),
  /** Whether the file was written. False if nothing changed, or a name could not be resolved. */
  written: v.boolean(),
  images: v.array(
    v.object({
      name: v.string(),
      digest: v.string(),
      platforms: v.record(v.string(), v.string()),
    }),
  ),
  problems: v.array(Problem),
  failures: v.array(Failure),
});

export const LockCheck = v.object({
  ...envelope('LockCheck'),
  root: v.string(),
  /** Whether the lock file agrees with the registries about every bound name. */
  current: v.boolean(),
  moved: v.array(v.object({ name: v.string(), locked: v.string(), found: v.string() })),
  missing: v.array(v.string()),
  extra: v.array(v.string()),
  problems: v.array(Problem),
  failures: v.array(Failure),
});

export const LintReport = v.object({
  ...envelope('LintReport'),
  root: v.string(),
  /** Numbers of findings, without the suppressed ones. */
  errors: v.number(),
  warnings: v.number(),
  notes: v.number(),
  suppressed: v.number(),
  /** Rules that were not checked. */
  skipped: v.array(v.string()),
  /** Compressed bytes of the bound images; absent with `--offline`. */
  bytes: v.optional(v.number()),
  findings: v.array(
    v.object({
      code: v.string(),
      level: v.picklist(['error', 'warning', 'note']),
      message: v.string(),
      hint: v.string(),
      path: v.optional(v.string()),
      line: v.optional(v.number()),
      unit: v.optional(v.string()),
      image: v.optional(v.string()),
      /** The reason that the unit gives for ignoring the finding. */
      suppressed: v.optional(v.string()),
    }),
  ),
});

export const StageResult = v.object({
  ...envelope('StageResult'),
  ...PlanFields,
  ready: v.boolean(),
  findings: v.array(Finding),
});

export const ReconcileResult = v.object({
  ...envelope('ReconcileResult'),
  /** Whether anything was done. */
  changed: v.boolean(),
  /** The living roots and the held ones. */
  roots: v.array(
    v.object({
      id: v.string(),
      location: v.string(),
      role: v.picklist(['booted', 'staged', 'rollback', 'pinned', 'other', 'held']),
      changed: v.boolean(),
      ready: v.boolean(),
      images: v.number(),
      findings: v.array(Finding),
      failures: v.array(v.object({ ...Failure.entries, image: v.optional(v.string()) })),
    }),
  ),
  released: v.array(v.object({ root: v.string(), pins: v.number(), images: v.number() })),
  /** Why an updater could not tell which roots live; then nothing is released. */
  failures: v.array(BareFailure),
});

export const ActivateResult = v.object({
  ...envelope('ActivateResult'),
  root: v.string(),
  /** Whether another root than at the last boot is booted. */
  switched: v.boolean(),
  /** How many pins were made again. */
  pins: v.number(),
  /** Names that were moved to the image on record. */
  moved: v.array(v.string()),
  /** Names that somebody else moved since the last boot. */
  drifted: v.array(v.object({ name: v.string(), id: v.string(), recorded: v.string() })),
  ready: v.boolean(),
  findings: v.array(Finding),
});

export const GateResult = v.object({
  ...envelope('GateResult'),
  /** The queued root. */
  root: v.optional(v.string()),
  decision: v.picklist(['nothing', 'open', 'held', 'overdue', 'unheld', 'unknown']),
  /** Images that are missing, or can't be checked. */
  findings: v.array(Finding),
  /** Since when the host has been held back, from this or other roots: ISO 8601. */
  since: v.optional(v.string()),
  warnings: v.array(v.string()),
});

export const ApplyResult = v.object({
  ...envelope('ApplyResult'),
  root: v.string(),
  dryRun: v.boolean(),
  /** The running services of the root. */
  services: v.array(
    v.object({
      unit: v.string(),
      /** The containers that the service ran before. */
      containers: v.array(
        v.object({
          id: v.string(),
          name: v.string(),
          /** The image name with which the container was started. */
          image: v.string(),
          imageId: v.string(),
          /** The auto-update policy of the container, if it has one. */
          policy: v.string(),
        }),
      ),
      /** `pending`: the service would be restarted, or was not reached. */
      updated: v.picklist(['true', 'false', 'pending', 'rolled back', 'failed']),
      /** Why the service was `rolled back`, or `failed`. */
      message: v.optional(v.string()),
    }),
  ),
  /** Services that are new and do not run. */
  idle: v.array(v.string()),
  findings: v.array(Finding),
  /** Names that could not be resolved or fetched. If there are any, no service was touched. */
  failures: v.array(Failure),
});

export const Verification = v.object({
  ...envelope('Verification'),
  root: v.string(),
  ready: v.boolean(),
  findings: v.array(Finding),
});

export const Status = v.object({
  ...envelope('Status'),
  /** The first of `engines`. */
  engine: Engine,
  /** The engines that were looked at. */
  engines: v.array(Engine),
  /** A queued root that was held back at a shutdown, until the gate lets a root pass or another is booted. */
  held: v.optional(
    v.object({
      root: v.string(),
      since: v.string(),
      time: v.string(),
      reasons: v.array(v.string()),
    }),
  ),
  roots: v.array(
    v.object({
      id: v.string(),
      location: v.string(),
      /** The first of `engines`. */
      engine: EngineIdText,
      engines: v.array(EngineIdText),
      role: v.optional(v.picklist(['booted', 'staged', 'rollback', 'pinned', 'other', 'held'])),
      drifted: v.array(v.string()),
      state: v.picklist(['ready', 'not ready', 'pins']),
      staged: v.optional(v.string()),
      images: v.array(
        v.object({
          engine: EngineIdText,
          name: v.string(),
          id: v.string(),
          digest: v.string(),
          size: v.number(),
          state: v.string(),
        }),
      ),
      findings: v.array(Finding),
    }),
  ),
});

const PinEntry = v.object({
  engine: EngineIdText,
  root: v.string(),
  id: v.string(),
  platform: v.string(),
  names: v.array(v.object({ name: v.string(), digest: v.string(), manifest: v.string() })),
  fetched: v.boolean(),
  handle: v.string(),
});

export const PinList = v.object({ ...envelope('PinList'), pins: v.array(PinEntry) });

/** An image on an engine that has it. */
const Present = v.object({
  engine: EngineIdText,
  id: v.string(),
  names: v.array(v.string()),
  digests: v.array(v.string()),
  size: v.number(),
});

const whyEntries = {
  image: v.string(),
  references: v.array(ImageReference),
  /** The names with another tag or digest that the root has, if it does not name this image. */
  otherTags: v.array(v.string()),
  roots: v.array(
    v.object({
      id: v.string(),
      engine: EngineIdText,
      digest: v.string(),
      references: v.array(RecordedReference),
      /** Set if berth need not fetch the image, because podman finds it in a store or an archive. */
      provided: v.optional(
        v.object({ directory: v.string(), archive: v.optional(ProvidedArchive) }),
      ),
    }),
  ),
  /** The first of `presentOn`. */
  present: v.optional(Present),
  presentOn: v.array(Present),
  pins: v.array(
    v.object({ engine: EngineIdText, root: v.string(), id: v.string(), handle: v.string() }),
  ),
};

export const Why = v.object({ ...envelope('Why'), ...whyEntries });

export const WhyUnit = v.object({
  ...envelope('WhyUnit'),
  /** The name that was asked for: of a service, or of a unit file. */
  unit: v.string(),
  images: v.array(v.object(whyEntries)),
  /** The problems of the unit; an image that can't be known is one of them. */
  problems: v.array(Problem),
});

export const PullResult = v.object({
  ...envelope('PullResult'),
  pulled: v.array(v.object({ name: v.string(), digest: v.string(), id: v.string() })),
  failures: v.array(Failure),
});

export const ShipResult = v.object({
  ...envelope('ShipResult'),
  root: v.string(),
  /** The path inside the root. */
  path: v.string(),
  /** If false, the root ships the same images as before. */
  written: v.boolean(),
  images: v.array(v.object({ name: v.string(), digest: v.string(), id: v.string() })),
  problems: v.array(Problem),
  failures: v.array(Failure),
});

const BundledImage = v.object({ name: v.string(), digest: v.string(), manifest: v.string() });

export const BundleResult = v.object({
  ...envelope('BundleResult'),
  root: v.string(),
  output: v.string(),
  /** If false, the file was not touched. */
  written: v.boolean(),
  /** Bytes of the blobs in the bundle. */
  bytes: v.number(),
  images: v.array(BundledImage),
  /** Layers that `--since` left out, and their bytes. */
  omitted: v.object({ layers: v.number(), bytes: v.number() }),
  problems: v.array(Problem),
  failures: v.array(Failure),
});

export const LoadResult = v.object({
  ...envelope('LoadResult'),
  images: v.array(BundledImage),
  /** Bytes of the layers that were written; layers that were there already don't count. */
  bytes: v.number(),
});

export const PinResult = v.object({
  ...envelope('PinResult'),
  root: v.string(),
  ids: v.array(v.string()),
});

export const ReleaseResult = v.object({
  ...envelope('ReleaseResult'),
  root: v.string(),
  pins: v.number(),
  images: v.number(),
});

const PruneEntry = v.object({
  id: v.string(),
  names: v.array(v.string()),
  size: v.number(),
  keptBy: v.optional(v.string()),
});

export const PruneResult = v.object({
  ...envelope('PruneResult'),
  removed: v.array(PruneEntry),
  kept: v.array(PruneEntry),
  /** Bytes that become free. On podman it may be fewer, where layers are shared with kept images. */
  freed: v.number(),
  /** Bytes of broken downloads, which were kept to be continued. */
  broken: v.number(),
  dryRun: v.boolean(),
});
