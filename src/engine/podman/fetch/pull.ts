import { parseName } from '../../../image/name.ts';
import { parsePlatform } from '../../../image/platform.ts';
import type { ResolvedImage } from '../../../image/resolved.ts';
import type { Access } from '../../../registry/access.ts';
import type { Credentials } from '../../../registry/auth/auth-file.ts';
import { RegistryError } from '../../../registry/errors.ts';
import { byContainersImage } from '../../fetch/containers-image.ts';
import { pullRefused, registryFailure } from '../../fetch/pull-failure.ts';
import { PullSilence } from '../../fetch/pull-silence.ts';
import type { FetchWatch } from '../../fetch-watch.ts';
import { isForHost } from '../../serves.ts';
import { type PodmanApi, parse } from '../api/api.ts';
import { badReply, failed } from '../api/failure.ts';
import { artifactPulled, pullLine } from '../api/replies.ts';
import { hexOf } from '../images/images.ts';
import { pullProgress } from './pull-progress.ts';
import { registryAuth } from './registry-auth.ts';

const PULLER = byContainersImage('podman');

/** @throws {RegistryError} as `Registry.permit`. */
export type Permit = (
  image: ResolvedImage,
  access: Access,
  signal: AbortSignal | undefined,
) => Promise<void>;

/**
 * In milliseconds: how long a registry's silence is remembered. All images of one run are asked for within
 * this time.
 */
const REMEMBERED_MS = 10 * 60_000;

/** The pulls that one podman does by itself, with mirrors and TLS as the host configures them. */
export class Pulls {
  readonly #api: PodmanApi;
  readonly #permit: Permit;
  readonly #clock: () => number;
  /** The registries that kept podman waiting, and when: each of their images would take as long again. */
  readonly #silent = new Map<string, { readonly at: number; readonly error: RegistryError }>();

  /** @param clock in milliseconds, from any starting point. */
  constructor(api: PodmanApi, permit: Permit, clock = () => performance.now()) {
    this.#api = api;
    this.#permit = permit;
    this.#clock = clock;
  }

  /**
   * Has podman pull an image by its digest. podman judges the image under that digest and does not know the
   * name with its tag, so berth judges the tagged name first.
   *
   * @param name the image's repository and digest.
   * @throws {RegistryError} `connection-lost` if podman is silent for too long.
   */
  async pull(
    name: string,
    image: ResolvedImage,
    access: Access,
    { signal, onBytes }: FetchWatch,
  ): Promise<void> {
    const path = '/images/pull';
    const progress = pullProgress(image.blobs);
    const id = await this.#watched(name, image, access, signal, async (reach, silence) => {
      let came: string | undefined;
      const { tls, ...how } = reach;
      // With `missing`, podman would accept an image of another repository with this digest.
      const query = { reference: name, policy: 'always', ...tls, ...platformQuery(image) };
      for await (const line of this.#api.lines({ method: 'POST', path, query, ...how })) {
        silence.broken();
        if (line.trim() === '') continue;
        const said = parse(pullLine, line, path);
        // podman sent the status 200 before it knew of the failure.
        const { error } = said;
        if (error !== undefined) {
          throw registryFailure(PULLER, name, error) ?? failed(`it did not pull ${name}: ${error}`);
        }
        if (said.stream !== undefined) onBytes?.(progress(said.stream));
        if (said.id !== undefined) came = `sha256:${hexOf(said.id)}`;
      }
      return came;
    });
    if (id === undefined) throw badReply(path, `it ended without saying what became of ${name}`);
    if (id !== image.config) {
      throw failed(`${name} became the image ${id}, expected ${image.config}`);
    }
  }

  /**
   * Has podman pull an OCI artifact under a name, which afterwards means what the registry says. podman
   * answers once, when everything has come.
   *
   * @returns the digest of the manifest that came.
   * @throws {RegistryError} `connection-lost` if podman takes too long.
   */
  async pullArtifact(
    name: string,
    image: ResolvedImage,
    access: Access,
    { signal }: FetchWatch,
  ): Promise<string> {
    const path = '/artifacts/pull';
    return this.#watched(name, image, access, signal, async ({ tls, ...how }) => {
      let reply = '';
      // `lines` has no time limit of its own.
      const lines = this.#api.lines({ method: 'POST', path, query: { name, ...tls }, ...how });
      for await (const line of lines) reply += line;
      return parse(artifactPulled, reply, path).ArtifactDigest;
    });
  }

  /**
   * Has podman pull, unless the registry was silent before, and ends the pull if podman is silent for too long.
   *
   * @param pull is given how podman is to reach the registry.
   */
  async #watched<T>(
    name: string,
    image: ResolvedImage,
    access: Access,
    signal: AbortSignal | undefined,
    pull: (reach: Reach, silence: PullSilence) => Promise<T>,
  ): Promise<T> {
    const { registry } = parseName(name);
    const prepared = await this.#prepare(registry, image, access, signal);
    const silence = new PullSilence('podman', name, image);
    const signals = [silence.signal, ...(signal === undefined ? [] : [signal])];
    try {
      return await pull({ ...prepared, signal: AbortSignal.any(signals) }, silence);
    } catch (error) {
      if (error === silence.error) {
        this.#silent.set(registry, { at: this.#clock(), error: silence.error });
      }
      // podman 6 answers with another status than 200 if the pull fails before the first line.
      throw pullRefused(PULLER, name, error);
    } finally {
      silence.end();
    }
  }

  /** Sees whether the image may come, and returns how podman is to reach the registry. */
  async #prepare(
    registry: string,
    image: ResolvedImage,
    access: Access,
    signal: AbortSignal | undefined,
  ): Promise<Omit<Reach, 'signal'>> {
    this.#throwIfSilent(registry);
    await this.#permit(image, access, signal);
    // Imported here because only pulls need credentials, and most commands fetch nothing.
    const { unitCredentials } = await import('../../../registry/auth/credentials.ts');
    const credentials = await unitCredentials(image.name, access);
    const isPlainAllowed = access.tlsVerify === false && !isOfFile(access, credentials);
    return {
      tls: isPlainAllowed ? { tlsVerify: 'false' } : {},
      headers: registryAuth(credentials, registry, isPlainAllowed),
    };
  }

  #throwIfSilent(registry: string): void {
    const before = this.#silent.get(registry);
    if (before === undefined) return;
    if (this.#clock() - before.at < REMEMBERED_MS) throw before.error;
    this.#silent.delete(registry);
  }
}

/** How podman reaches a registry: parts of the request to podman. */
interface Reach {
  readonly tls: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * Whether the credentials come from an `AuthFile=`. With `tlsVerify=false` podman falls back to plain HTTP
 * by itself, so for such credentials only the host's registries.conf decides whether HTTP is allowed.
 */
function isOfFile({ credentials }: Access, found: Credentials | 'none' | 'host'): boolean {
  return credentials?.kind === 'auth-file' && found !== 'none';
}

/** podman's parameters for a platform other than its default. */
function platformQuery(image: ResolvedImage): Readonly<Record<string, string>> {
  const platform = parsePlatform(image.platform);
  if (platform === undefined || isForHost(image)) return {};
  const { os, architecture, variant } = platform;
  return { OS: os, Arch: architecture, ...(variant === undefined ? {} : { Variant: variant }) };
}
