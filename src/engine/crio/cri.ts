import type { Credentials } from '../../registry/auth/auth-file.ts';
import { EngineError } from '../errors.ts';
import { type Image, ImageService, RuntimeService } from '../grpc/generated/cri/api_pb.ts';
import type { Grpc } from '../grpc/transport.ts';
import { untilWritten } from './half-written.ts';

/** In milliseconds: the longest pull. The CRI tells no progress, so silence can't be limited instead. */
const PULL_TIMEOUT = 2 * 60 * 60_000;

/** In milliseconds: removing a large image on a slow disk takes minutes. */
const REMOVE_TIMEOUT = 300_000;

/** An image as the CRI lists it. */
export interface CriImage {
  /** The config's digest in hexadecimal, without the algorithm. */
  readonly id: string;
  readonly names: readonly string[];
  readonly digests: readonly string[];
  /** In bytes. */
  readonly size: number;
  /** Whether the kubelet's clean-up spares the image. */
  readonly pinned: boolean;
}

/** The image service of the Container Runtime Interface, as CRI-O serves it. */
export interface Cri {
  version(): Promise<string>;
  images(): Promise<readonly CriImage[]>;
  /** @param image an id, or a full name. */
  image(image: string): Promise<CriImage | undefined>;
  /** Fetches what a name means now, and gives the image that name. */
  pull(
    name: string,
    credentials: Credentials | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void>;
  /** Removes an image by its id, or a name of an image: the image goes with its last name. */
  remove(image: string): Promise<void>;
  /** The directories with the metadata of images: `…/storage/overlay-images`. */
  places(): Promise<readonly string[]>;
}

export function criOn(grpc: Grpc): Cri {
  const { listImages, imageStatus, pullImage, removeImage, imageFsInfo } = ImageService.method;
  return {
    version: async () => {
      const { runtimeName, runtimeVersion } = await grpc.unary(RuntimeService.method.version, {});
      if (runtimeName === 'cri-o') return runtimeVersion;
      throw new EngineError(
        'engine-reply',
        `expected CRI-O to answer on its socket, found ${JSON.stringify(runtimeName)}`,
        { hint: 'correct CONTAINER_RUNTIME_ENDPOINT, or leave it unset' },
      );
    },
    images: async () => {
      const { images } = await untilWritten(() => grpc.unary(listImages, {}));
      return images.map(imageOf);
    },
    image: async (name) => {
      const request = { image: { image: name } };
      const { image } = await untilWritten(() => grpc.unary(imageStatus, request));
      return image && imageOf(image);
    },
    pull: async (name, credentials, signal) => {
      const auth = credentials === undefined ? {} : { auth: authOf(credentials) };
      const request = { image: { image: name }, ...auth };
      await grpc.unary(pullImage, request, { signal, timeout: PULL_TIMEOUT });
    },
    remove: async (image) => {
      await grpc.unary(removeImage, { image: { image } }, { timeout: REMOVE_TIMEOUT });
    },
    places: async () => {
      const { imageFilesystems } = await grpc.unary(imageFsInfo, {});
      return imageFilesystems.flatMap(({ fsId }) => fsId?.mountpoint ?? []);
    },
  };
}

function imageOf({ id, repoTags, repoDigests, size, pinned }: Image): CriImage {
  return {
    id: id.replace(/^sha256:/, ''),
    names: repoTags.filter(isName),
    digests: repoDigests.filter(isName),
    size: Number(size),
    pinned,
  };
}

/** CRI-O lists `<none>:<none>` for an image without names. */
function isName(name: string): boolean {
  return !name.startsWith('<');
}

function authOf({ username, password, identityToken }: Credentials) {
  const identity = identityToken === undefined ? {} : { identityToken: identityToken.reveal() };
  return { username, password: password.reveal(), ...identity };
}
