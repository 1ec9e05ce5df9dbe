import { open } from 'node:fs/promises';
import type { Binding } from '../binding/bindings.ts';
import { type Lock, type LockedImage, parseLock } from '../binding/lock.ts';
import { BerthError, systemErrorCode } from '../common/errors.ts';
import { LOOKUPS_AT_A_TIME, tryLimited } from '../common/limited.ts';
import { byDigest } from '../image/name.ts';
import { choosePlatform, formatPlatform, type Platform, parsePlatform } from '../image/platform.ts';
import type { Context } from '../lifecycle/context.ts';
import type { Registry } from '../registry/registry.ts';
import { BundleError } from './failure.ts';
import { MAX_MEMBER } from './format.ts';
import { withBundle } from './read.ts';

/**
 * The layers that a site has, according to an earlier bundle, which holds the manifests, or to a lock,
 * whose manifests are requested from the registries. If a manifest is gone, its image counts as absent at
 * the site: the new bundle is then larger, but complete.
 *
 * @throws {BerthError} `since` for a file that is neither.
 */
export async function layersSince(
  { signal, report }: Pick<Context, 'signal' | 'report'>,
  registry: Registry,
  path: string,
  bindings: readonly Binding[],
): Promise<ReadonlySet<string>> {
  const layers = new Set<string>();
  const found = await readSince(path);
  if ('images' in found) {
    for (const { blobs } of found.images) for (const { digest } of blobs) layers.add(digest);
    return layers;
  }
  const accesses = new Map(bindings.map(({ name, accesses: [first] }) => [name, first]));
  const wanted = [...found.lock].flatMap(([name, locked]) =>
    manifestsFor(locked, bindings).map(({ digest, platform }) => {
      const access = accesses.get(name) ?? {};
      return { name: byDigest(name, digest), platform, access };
    }),
  );
  const work = async ({ name, platform, access }: (typeof wanted)[number]) => {
    const image = await registry.resolve(name, platform, access, signal);
    for (const blob of image.blobs.slice(1)) layers.add(blob.digest);
  };
  const { failures } = await tryLimited(wanted, LOOKUPS_AT_A_TIME, signal, work);
  for (const { name, error } of failures) {
    const message = `the layers of ${name} are unknown, so they are not left out: ${error.message}`;
    report({ event: 'warning', code: 'layers-unknown', name, message });
  }
  return layers;
}

type Since = { readonly lock: Lock } | { readonly images: readonly { blobs: readonly Digest[] }[] };
type Digest = { readonly digest: string };

async function readSince(path: string): Promise<Since> {
  try {
    await using file = await open(path, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, 0);
    if (buffer.toString('utf8', 0, bytesRead) !== '{') {
      const bytes = file.createReadStream({ start: 0, autoClose: false });
      return await withBundle(path, bytes, async ({ head }) => ({ images: head.images }));
    }
    const { size } = await file.stat();
    if (size > MAX_MEMBER) throw notSince(path, `${size} bytes`);
    const { lock, problem } = await parseLock((await file.readFile()).toString());
    if (lock === undefined) throw notSince(path, problem?.message ?? 'none');
    return { lock };
  } catch (error) {
    const isDamaged = error instanceof BerthError && error.code === 'bundle-damaged';
    if (isDamaged) throw notSince(path, error.message, error);
    const code = systemErrorCode(error);
    if (code === undefined || error instanceof BerthError) throw error;
    throw notSince(path, code === 'ENOENT' ? 'nothing there' : code, error);
  }
}

function notSince(path: string, found: string, cause?: unknown): BundleError {
  return new BundleError(
    'since',
    `expected a lock or an earlier bundle at ${path}, found ${found}`,
    {
      hint: 'give the lock.json of what the site has, or the bundle that it loaded last',
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

interface Wanted {
  readonly digest: string;
  readonly platform: Platform;
}

/**
 * The manifests in a lock for the platforms of the bindings: a lock lists all platforms, but the site has
 * only those that it needs.
 */
function manifestsFor({ platforms }: LockedImage, bindings: readonly Binding[]): Wanted[] {
  const entries = [...platforms].map(([text, digest]) => ({
    digest,
    platform: parsePlatform(text),
  }));
  const wanted = new Map(bindings.map((of) => [formatPlatform(of.platform), of.platform]));
  return [...wanted.values()].flatMap((platform) => {
    const digest = choosePlatform(entries, platform)?.digest;
    return digest === undefined ? [] : { digest, platform };
  });
}
