import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import { parse as parseToml } from 'smol-toml';
import { array, looseObject, nullish, number, parse, string } from 'valibot';
import { ImageService, RuntimeService } from '../../src/engine/grpc/generated/cri/api_pb.ts';
import { repositoryOf } from '../../src/image/name.ts';
import { serveGrpc } from './grpc-server.ts';
import type { TestPodman } from './podman.ts';

/**
 * A stand-in for CRI-O, which no suite of Debian has: the same protocol by the same stubs, on the storage of
 * a real podman. It does with images and names what CRI-O 1.36 does in its sources (server/image_*.go,
 * internal/storage/image.go), and reads its configuration as pkg/config does.
 */
export interface CrioStandIn {
  readonly socket: string;
  readonly main: string;
  readonly dropIns: string;
  /** The names that were pulled, with their users. */
  readonly pulled: readonly { readonly name: string; readonly username: string }[];
  /** Reads the configuration as on SIGHUP; returns why that failed. */
  readonly reload: () => string | undefined;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface CrioStandInOptions {
  readonly podman: TestPodman;
  readonly directory: string;
  /** The name by which it calls itself. */
  readonly runtimeName?: string;
}

const listed = array(
  looseObject({
    Id: string(),
    Names: nullish(array(string())),
    RepoDigests: nullish(array(string())),
    Size: number(),
  }),
);

const used = array(looseObject({ ImageID: string() }));

interface Listed {
  readonly id: string;
  readonly names: readonly string[];
  readonly digests: readonly string[];
  readonly size: number;
}

export function crioStandIn({
  podman,
  directory,
  runtimeName = 'cri-o',
}: CrioStandInOptions): CrioStandIn {
  const socket = join(directory, 'crio.sock');
  const main = join(directory, 'crio/crio.conf');
  const dropIns = join(directory, 'crio/crio.conf.d');
  const pulled: { name: string; username: string }[] = [];
  let pinned: readonly RegExp[] = [];
  let end = async () => {};
  /** Ends with the program, and with it what the program runs. */
  let life = new AbortController();
  const ask = (path: string, method = 'GET') => askPodman(podman.socket, method, path);
  const list = async (): Promise<readonly Listed[]> => {
    const images = parse(listed, await ask('/images/json?all=true'));
    return images.map(({ Id, Names, RepoDigests, Size }) => ({
      id: Id,
      names: Names ?? [],
      digests: RepoDigests ?? [],
      size: Size,
    }));
  };
  const find = async (image: string) =>
    (await list()).find(
      ({ id, names, digests }) => id === image || names.includes(image) || digests.includes(image),
    );
  const message = ({ id, names, digests, size }: Listed) => ({
    id,
    repoTags: names.filter((name) => !name.includes('@')),
    repoDigests: [...digests],
    size: BigInt(size),
    pinned: [...names, ...digests].some((name) => pinned.some((entry) => entry.test(name))),
  });
  const deleteImage = async (id: string) => {
    const containers = parse(used, await ask('/containers/json?all=true&external=true'));
    if (containers.some(({ ImageID }) => ImageID === id)) {
      throw new ConnectError('delete image: image is in use by a container', Code.Unknown);
    }
    await ask(`/images/${id}?force=true`, 'DELETE');
  };
  const routes = (router: ConnectRouter) => {
    router.service(RuntimeService, {
      version: () => ({ version: '0.1.0', runtimeName, runtimeVersion: '1.36.0' }),
    });
    router.service(ImageService, {
      listImages: async () => ({ images: (await list()).map(message) }),
      imageStatus: async ({ image }) => {
        const found = await find(image?.image ?? '');
        return found === undefined ? {} : { image: message(found) };
      },
      pullImage: async ({ image, auth }) => {
        const name = image?.image ?? '';
        const { username = '', password = '' } = auth ?? {};
        pulled.push({ name, username });
        const credentials = username === '' ? [] : [`--creds=${username}:${password}`];
        const words = ['pull', '--quiet', ...credentials, name];
        const { code, stderr } = await podman.begin(words, life.signal);
        if (code !== 0) throw new ConnectError(stderr.trim(), Code.Unknown);
        return { imageRef: (await find(name))?.id ?? '' };
      },
      removeImage: async ({ image }) => {
        const name = image?.image ?? '';
        const found = await find(name);
        if (found === undefined) return {};
        if (name === found.id || found.names.length < 2) await deleteImage(found.id);
        else
          await ask(
            `/images/${found.id}/untag?repo=${repositoryOf(name)}&tag=${tagOf(name)}`,
            'POST',
          );
        return {};
      },
      imageFsInfo: () => ({
        imageFilesystems: [{ fsId: { mountpoint: join(podman.directory, 'root/overlay-images') } }],
      }),
    });
  };
  const reload = () => {
    try {
      pinned = pinnedIn(main, dropIns).map(patternOf);
      return undefined;
    } catch (error) {
      return String(error);
    }
  };
  return {
    socket,
    main,
    dropIns,
    pulled,
    reload,
    start: async () => {
      rmSync(socket, { force: true });
      reload();
      life = new AbortController();
      end = await serveGrpc(socket, routes);
    },
    stop: async () => {
      life.abort();
      await end();
    },
  };
}

/** Decodes the files one over the other (`UpdateFromFile`, `UpdateFromPath`). */
export function pinnedIn(main: string, dropIns: string): readonly string[] {
  let pinned: readonly string[] = [];
  for (const path of [main, ...filesBelow(dropIns)]) {
    if (path === main && lstatSync(path, { throwIfNoEntry: false }) === undefined) continue;
    const file = parseToml(readFileSync(path, 'utf8')) as {
      readonly crio?: { readonly image?: { readonly pinned_images?: readonly string[] } };
    };
    pinned = file.crio?.image?.pinned_images ?? pinned;
  }
  return pinned;
}

/** As Go's `filepath.Walk`. */
function filesBelow(directory: string): readonly string[] {
  if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(directory)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .flatMap((name) => {
      const path = join(directory, name);
      return lstatSync(path).isDirectory() ? filesBelow(path) : [path];
    });
}

/** As `CompileRegexpsForPinnedImages`. */
function patternOf(entry: string): RegExp {
  const quoted = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  if (entry.startsWith('*') && entry.endsWith('*'))
    return new RegExp(quoted(entry.slice(1, -1)), 'i');
  if (entry.endsWith('*')) return new RegExp(quoted(entry.slice(0, -1)), 'i');
  return new RegExp(`^${quoted(entry)}$`, 'i');
}

/** The part of a name behind its repository, as podman takes it: a tag, or a digest. */
function tagOf(name: string): string {
  return name.slice(repositoryOf(name).length + 1);
}

/** Sends a request to podman's API; only what is got is answered. */
async function askPodman(socketPath: string, method: string, path: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { socketPath, method, path: `/v4.0.0/libpod${path}`, agent: false };
  request(options, resolve).on('error', reject).end();
  const answer = await promise;
  const body = await text(answer);
  if ((answer.statusCode ?? 500) >= 400) throw new ConnectError(body, Code.Unknown);
  return method === 'GET' ? JSON.parse(body) : undefined;
}
