import {
  array,
  boolean,
  looseObject,
  nullish,
  number,
  object,
  optional,
  record,
  string,
  unknown,
} from 'valibot';
import { ownLabels } from '../../pins/own-labels.ts';

/** The parts of podman's replies that berth reads. Other parts differ between versions. */

/** An element of the reply to `GET /images/json`. */
export const listedImage = object({
  /** The ID without `sha256:`. */
  Id: string(),
  /** Names with a tag or a digest. */
  Names: nullish(array(string())),
  RepoDigests: nullish(array(string())),
  Size: number(),
  /** Whether the image lies in an additional store, which this podman must not change. */
  ReadOnly: optional(boolean()),
});

/** An element of the reply to `GET /containers/json`. */
export const listedContainer = object({
  Id: string(),
  /** ISO 8601. */
  Created: string(),
  ImageID: string(),
  /** Absent for containers that podman's database does not know. */
  Labels: nullish(ownLabels),
  Names: nullish(array(string())),
  State: string(),
  /** In seconds since 1970; far below zero if the container never started. */
  StartedAt: optional(number()),
  /** The name of the container's pod; empty or absent without a pod. */
  PodName: optional(string()),
  /** Whether the container only holds the namespaces of a pod. */
  IsInfra: optional(boolean()),
});

/** The reply to `GET /containers/{id}/json`, with the parts about a service's container. */
export const containerReply = looseObject({
  Id: string(),
  Name: string(),
  /** The image's ID. */
  Image: string(),
  ImageName: string(),
  Config: looseObject({
    CreateCommand: nullish(array(string())),
    /** In nanoseconds; without an interval podman never runs the check by itself. */
    Healthcheck: nullish(
      looseObject({ Interval: optional(number()), StartPeriod: optional(number()) }),
    ),
    Labels: nullish(record(string(), string())),
  }),
  /** Whether `podman kube play` made the container only to wait for the others. */
  IsService: optional(boolean()),
  State: looseObject({
    Health: nullish(
      looseObject({
        Status: optional(string()),
        Log: nullish(array(looseObject({ Output: string() }))),
      }),
    ),
  }),
});

/** The reply to `GET /containers/{id}/json`, with the parts about a pin. */
export const pinReply = looseObject({
  Name: string(),
  /** The program that the container runs. */
  Path: string(),
  /** The ID of the container's pod. */
  Pod: optional(string()),
  Config: looseObject({ Cmd: nullish(array(string())) }),
  HostConfig: looseObject({ NetworkMode: string() }),
});

/** The reply to `GET /pods/json`. */
export const podList = array(
  looseObject({
    Id: string(),
    Name: optional(string()),
    /** Empty or absent for a pod without an infra container. */
    InfraId: optional(string()),
    Created: string(),
    Containers: nullish(array(looseObject({ Id: string() }))),
    Labels: nullish(record(string(), string())),
  }),
);

/** The reply to `GET /pods/{id}/json`. */
export const podReply = looseObject({
  CreateCommand: nullish(array(string())),
  Labels: nullish(record(string(), string())),
});

/** The reply to `GET /volumes/json`. */
export const volumeList = nullish(array(unknown()));

/** The reply to `POST /pods/create` and `POST /containers/create`. */
export const created = looseObject({ Id: string() });

/** A line of the reply to `POST /images/pull`. */
export const pullLine = looseObject({
  stream: optional(string()),
  error: optional(string()),
  id: optional(string()),
});

/** The reply to `GET /artifacts/json`, since podman 5.6. It has no digests. */
export const artifactList = nullish(
  array(
    looseObject({
      /** The words of the pull; empty if another artifact has taken the name since. */
      Name: string(),
    }),
  ),
);

/** The reply to `GET /artifacts/{name}/json`. */
export const artifactReply = looseObject({
  /** `sha256:…` of the manifest. */
  Digest: string(),
  Manifest: looseObject({
    layers: nullish(array(looseObject({ digest: string(), size: number(), mediaType: string() }))),
  }),
});

/** The reply to `POST /artifacts/pull`. */
export const artifactPulled = looseObject({ ArtifactDigest: string() });

/** The reply to `GET /info`. */
export const infoReply = looseObject({
  host: looseObject({
    cgroupManager: string(),
    /** Since podman 4.6; also absent if locks are files. */
    freeLocks: nullish(number()),
    security: looseObject({ rootless: boolean() }),
  }),
  store: looseObject({
    graphRoot: string(),
    graphDriverName: optional(string()),
    graphOptions: nullish(record(string(), unknown())),
    imageCopyTmpDir: optional(string()),
  }),
  version: looseObject({ Version: string() }),
});
