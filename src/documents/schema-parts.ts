import * as v from 'valibot';
import { activations } from '../discovery/reference.ts';
import { EngineIdText } from '../engine/engine-id-schema.ts';

/** The fields by which a program knows a document. */
export const envelope = <K extends string>(kind: K) => ({
  apiVersion: v.literal('berth/v1'),
  kind: v.literal(kind),
});

export const Problem = v.object({
  code: v.string(),
  path: v.string(),
  line: v.optional(v.number()),
  message: v.string(),
  hint: v.string(),
  bound: v.boolean(),
});

const Pull = v.object({
  policy: v.picklist(['always', 'missing', 'never', 'newer']),
  authFile: v.optional(v.string()),
  /** Always `***`. */
  creds: v.optional(v.literal('***')),
  tlsVerify: v.optional(v.boolean()),
  arch: v.optional(v.string()),
  os: v.optional(v.string()),
  variant: v.optional(v.string()),
  retry: v.optional(v.number()),
  retryDelay: v.optional(v.string()),
  /** Read-only image stores that podman uses beside its own. */
  additionalStores: v.optional(v.array(v.string())),
});

export const ImageReference = v.object({
  raw: v.string(),
  path: v.string(),
  line: v.number(),
  key: v.string(),
  kind: v.string(),
  unit: v.string(),
  /** The archive in the root that has the image: `docker-archive:/usr/share/app.tar`. */
  archive: v.optional(v.string()),
  scope: v.string(),
  /** The engine that runs the image; absent if the root does not tell. */
  engine: v.optional(EngineIdText),
  /** The name is that of an OCI artifact. */
  artifact: v.optional(v.literal(true)),
  activation: v.picklist(activations),
  via: v.array(v.string()),
  conditions: v.optional(v.array(v.string())),
  bound: v.boolean(),
  rule: v.string(),
  pull: Pull,
});

export const RecordedReference = v.object({
  raw: v.string(),
  path: v.string(),
  line: v.number(),
  key: v.string(),
  unit: v.string(),
});

export const Finding = v.object({
  code: v.string(),
  message: v.string(),
  hint: v.string(),
  id: v.optional(v.string()),
  name: v.optional(v.string()),
  /** The engine that the finding is about. */
  engine: v.optional(EngineIdText),
  /** The units that want the image. */
  wantedBy: v.optional(v.array(v.string())),
});

export const Failure = v.object({
  image: v.string(),
  code: v.string(),
  message: v.string(),
  hint: v.string(),
  /** The units that want the image; absent where no units were read. */
  wantedBy: v.optional(v.array(v.string())),
});

export const BareFailure = v.object({ code: v.string(), message: v.string(), hint: v.string() });

export const Engine = v.object({
  name: EngineIdText,
  version: v.string(),
  directory: v.string(),
  /** The directory of blobs that are not unpacked into `directory` yet. */
  unpacking: v.optional(v.string()),
  graphRoot: v.optional(v.string()),
  driver: v.optional(v.string()),
  additionalStores: v.optional(v.array(v.string())),
  description: v.string(),
  /** Said of an engine whose pins keep images only from its own clean-up, or the kubelet's. */
  pins: v.optional(v.literal('advisory')),
});

/** The archive as podman takes it, and the bytes of all its files. */
export const ProvidedArchive = v.object({ name: v.string(), size: v.number() });

export const PlanFields = {
  root: v.object({ id: v.string(), location: v.string() }),
  /** The first of `engines`. */
  engine: Engine,
  engines: v.array(Engine),
  /** Images in read-only stores of podman or archives of the root, neither fetched nor pinned. */
  provided: v.array(
    v.object({
      engine: EngineIdText,
      name: v.string(),
      digest: v.string(),
      id: v.string(),
      directory: v.string(),
      /** Set if podman takes the image from the archive in `directory` whenever the unit starts. */
      archive: v.optional(ProvidedArchive),
      references: v.array(RecordedReference),
    }),
  ),
  images: v.array(
    v.object({
      engine: EngineIdText,
      /** As `way` below, for this image. */
      way: v.picklist(['direct', 'two-steps', 'download']),
      /** Whether the engine is absent, so that the image waits in berth's own store. */
      waits: v.boolean(),
      id: v.string(),
      /** The image is an OCI artifact: it is kept without a pin. */
      artifact: v.optional(v.literal(true)),
      manifest: v.string(),
      platform: v.string(),
      size: v.number(),
      /** Bytes to download. */
      bytes: v.number(),
      /** Bytes to copy from the images that the root ships. */
      loads: v.number(),
      present: v.boolean(),
      pinned: v.boolean(),
      names: v.array(
        v.object({
          name: v.string(),
          digest: v.string(),
          locked: v.boolean(),
          references: v.array(RecordedReference),
        }),
      ),
    }),
  ),
  /**
   * `direct`: straight into the engine. `two-steps`: through berth's own store. `download`: only into that
   * store.
   */
  way: v.picklist(['direct', 'two-steps', 'download']),
  /**
   * Only a plan has the field `directIfNear`: the stage pulls straight into the engine instead of `two-steps` if it
   * finds the registry near. `space` is enough for both.
   */
  directIfNear: v.optional(v.literal(true)),
  /** Bytes to download: configs and layers, each counted once. */
  bytes: v.number(),
  /** Bytes that the engine lacks and berth's own store has. */
  inStore: v.number(),
  free: v.number(),
  /** Each file system that is written to, the engine's first. */
  space: v.array(
    v.object({
      directory: v.string(),
      needed: v.number(),
      /** How much of `needed` stays when the images have come; the rest is needed meanwhile. */
      stays: v.number(),
      /** Whether `needed` and `stays` are estimates: no registry says how large a layer unpacks. */
      estimated: v.boolean(),
      free: v.number(),
      /** Bytes that must stay free. */
      reserve: v.number(),
      /** How many bytes are missing. */
      short: v.number(),
      /** How many files are missing, on a file system that limits their number. */
      shortFiles: v.number(),
    }),
  ),
  /** Why the space is not enough. */
  lack: v.optional(BareFailure),
  deferred: v.array(
    v.object({
      name: v.string(),
      id: v.string(),
      current: v.string(),
      heldBy: v.array(v.string()),
    }),
  ),
  drops: v.array(v.object({ engine: EngineIdText, id: v.string(), names: v.array(v.string()) })),
  /** Bound images that `--engine` leaves out. */
  leftOut: v.array(v.object({ engine: EngineIdText, name: v.string() })),
  /** How many references to images the root has, if none of them is bound; else 0. */
  unbound: v.number(),
  problems: v.array(Problem),
  failures: v.array(Failure),
};
