import { parseName } from '../../../image/name.ts';
import { parsePlatform } from '../../../image/platform.ts';
import type { ResolvedImage } from '../../../image/resolved.ts';
import type { Access } from '../../../registry/access.ts';
import type { Credentials } from '../../../registry/auth/auth-file.ts';
import { RegistryError } from '../../../registry/errors.ts';
import type { FetchWatch } from '../../fetch-watch.ts';
import { isForHost } from '../../serves.ts';
import { type PodmanApi, parse } from '../api/api.ts';
import { badReply, failed } from '../api/failure.ts';
import { pullLine } from '../api/replies.ts';
import { hexOf } from '../images/images.ts';
import { pullFailed } from './pull-failure.ts';
import { pullProgress } from './pull-progress.ts';
import { registryAuth } from './registry-auth.ts';

/** @throws {RegistryError} as `Registry.permit`. */
export type Permit = (
  image: ResolvedImage,
  access: Access,
  signal: AbortSignal | undefined,
) => Promise<void>;

/**
 * In milliseconds: the time that podman may be silent after everything has arrived, while it unpacks for
 * example.
 */
const SILENCE = 30 * 60_000;

/**
 * In bytes a second. podman 4.3 and 5.4 write a line when they begin with a blob, and the next when all
 * blobs are downloaded and unpacked. So the expected time of the download is added to the silence.
 */
const LEAST_RATE = 64 * 1024;

/**
 * In milliseconds: one day. A manifest may claim any size, and a timer of more than 24 days would fire at
 * once.
 */
const LONGEST_SILENCE = 24 * 60 * 60_000;

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
    const { registry } = parseName(name);
    this.#throwIfSilent(registry);
    await this.#permit(image, access, signal);
    // Imported here because only pulls need credentials, and most commands fetch nothing.
    const { unitCredentials } = await import('../../../registry/auth/credentials.ts');
    const credentials = await unitCredentials(image.name, access);
    const isPlainAllowed = access.tlsVerify === false && !isOfFile(access, credentials);
    const silence = new Silence(name, image);
    const path = '/images/pull';
    const lines = this.#api.lines({
      method: 'POST',
      path,
      query: {
        reference: name,
        // With `missing`, podman would accept an image of another repository with this digest.
        policy: 'always',
        ...(isPlainAllowed ? { tlsVerify: 'false' } : {}),
        ...platformQuery(image),
      },
      headers: registryAuth(credentials, registry, isPlainAllowed),
      signal: AbortSignal.any([silence.signal, ...(signal === undefined ? [] : [signal])]),
    });
    const progress = pullProgress(image.blobs);
    let id: string | undefined;
    try {
      for await (const line of lines) {
        silence.broken();
        if (line.trim() === '') continue;
        const said = parse(pullLine, line, path);
        // podman sent the status 200 before it knew of the failure.
        if (said.error !== undefined) throw pullFailed(name, said.error);
        if (said.stream !== undefined) onBytes?.(progress(said.stream));
        if (said.id !== undefined) id = `sha256:${hexOf(said.id)}`;
      }
    } catch (error) {
      if (error === silence.error) {
        this.#silent.set(registry, { at: this.#clock(), error: silence.error });
      }
      throw error;
    } finally {
      silence.end();
    }
    if (id === undefined) throw badReply(path, `it ended without saying what became of ${name}`);
    if (id !== image.config) {
      throw failed(`${name} became the image ${id}, expected ${image.config}`);
    }
  }

  #throwIfSilent(registry: string): void {
    const before = this.#silent.get(registry);
    if (before === undefined) return;
    if (this.#clock() - before.at < REMEMBERED_MS) throw before.error;
    this.#silent.delete(registry);
  }
}

/**
 * Whether the credentials come from an `AuthFile=`. With `tlsVerify=false` podman falls back to plain HTTP
 * by itself, so for such credentials only the host's registries.conf decides whether HTTP is allowed.
 */
function isOfFile({ credentials }: Access, found: Credentials | 'none' | 'host'): boolean {
  return credentials?.kind === 'auth-file' && found !== 'none';
}

/** Waits for podman's next line, and aborts the pull if none arrives in time. */
class Silence {
  readonly error: RegistryError;
  readonly #abort = new AbortController();
  readonly #milliseconds: number;
  #timer: NodeJS.Timeout;

  constructor(name: string, { blobs }: ResolvedImage) {
    const bytes = blobs.reduce((sum, { size }) => sum + size, 0);
    this.#milliseconds = Math.min(SILENCE + Math.ceil(bytes / LEAST_RATE) * 1000, LONGEST_SILENCE);
    const minutes = Math.round(this.#milliseconds / 60_000);
    this.error = new RegistryError(
      'connection-lost',
      `expected podman to continue the pull of ${name}, found no message from it for ${minutes} minutes`,
      {
        hint: 'see whether the registry and its mirrors send anything; `berth stage --download-only` shows which do not, and continues where a download ended',
      },
    );
    this.#timer = this.#begin();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#begin();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #begin(): NodeJS.Timeout {
    return setTimeout(() => this.#abort.abort(this.error), this.#milliseconds);
  }
}

/** podman's parameters for a platform other than its default. */
function platformQuery(image: ResolvedImage): Readonly<Record<string, string>> {
  const platform = parsePlatform(image.platform);
  if (platform === undefined || isForHost(image)) return {};
  const { os, architecture, variant } = platform;
  return { OS: os, Arch: architecture, ...(variant === undefined ? {} : { Variant: variant }) };
}
