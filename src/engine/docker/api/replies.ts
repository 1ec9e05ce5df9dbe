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

/** The parts of docker's replies that berth reads. Other parts differ between versions. */

/** The reply to `GET /version`. */
export const versionReply = looseObject({
  /** The program's. */
  Version: string(),
  /** The newest version of the API that this docker speaks. */
  ApiVersion: string(),
});

/** The reply to `GET /info`. */
export const infoReply = looseObject({
  /** The storage driver, such as `overlay2`; with containerd's image store the snapshotter. */
  Driver: string(),
  /** Pairs of a key and a value. */
  DriverStatus: nullish(array(array(string()))),
  DockerRootDir: string(),
});

/** An element of the reply to `GET /images/json`. */
export const listedImage = object({
  /** `sha256:…` */
  Id: string(),
  /** Names without `docker.io/library/`; containerd's image store lists names by digest among them. */
  RepoTags: nullish(array(string())),
  RepoDigests: nullish(array(string())),
  Size: number(),
  /** The manifests of an image in containerd's store, and whether all of their blobs are there. */
  Manifests: nullish(
    array(
      object({
        ID: optional(string()),
        Kind: optional(string()),
        Available: optional(boolean()),
      }),
    ),
  ),
});

/** The reply to `GET /images/{id}/json`. */
export const imageReply = looseObject({
  Config: nullish(looseObject({ Volumes: nullish(record(string(), unknown())) })),
});

/** An element of the reply to `GET /containers/json`. */
export const listedContainer = object({
  Id: string(),
  Names: nullish(array(string())),
  /** `sha256:…`, the id of the image from which the container was made. */
  ImageID: string(),
  /** The program and its arguments. */
  Command: optional(string()),
  /** In seconds since 1970. */
  Created: number(),
  Labels: nullish(ownLabels),
  /** `created` until the container has run. */
  State: string(),
  HostConfig: nullish(looseObject({ NetworkMode: optional(string()) })),
});

/** The reply to `POST /containers/create`. */
export const created = looseObject({ Id: string() });

/** A line of the reply to `POST /images/create` and `POST /images/load`. */
export const progressLine = looseObject({
  status: optional(string()),
  /** The first 12 digits of a layer's digest. */
  id: optional(string()),
  progressDetail: nullish(
    looseObject({
      current: optional(number()),
      /** `s` where containerd's image store tells how long it has been unpacking. */
      units: optional(string()),
    }),
  ),
  error: optional(string()),
});
