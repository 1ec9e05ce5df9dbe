import * as v from 'valibot';
import { checkBy } from '../../common/check-by.ts';
import { isDigest, sha256 } from '../../image/digest.ts';
import {
  choosePlatform,
  formatPlatform,
  normalisePlatform,
  parsePlatform,
} from '../../image/platform.ts';
import type { Blob } from '../../image/resolved.ts';
import type { Index } from '../../oci/document.ts';
import type { Access } from '../access.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Exchange } from '../exchange.ts';
import { connectionLost, failure } from '../failure.ts';
import { readBody, TooLarge } from '../http/body.ts';
import { decoded } from '../http/decoded.ts';
import type { ResolvedName } from '../registry.ts';
import { fetchManifest } from './fetch-manifest.ts';
import { readManifest } from './read-manifest.ts';

/** An upper bound: an image has at most some ten platforms, each with an attestation. */
const MAX_ENTRIES = 500;
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/**
 * Resolves what a name means for every platform: from its index or, for a single manifest, from the config.
 */
export async function resolveAll(
  exchange: Exchange,
  endpoint: Endpoint,
  access: Access,
  signal: AbortSignal | undefined,
): Promise<ResolvedName> {
  const { digest, ...top } = await fetchManifest(exchange, endpoint, access, endpoint.reference, {
    signal,
  });
  const document = readManifest(endpoint, { digest, ...top });
  if (document.kind === 'index') return { digest, platforms: platformsOf(endpoint, document) };
  const platform = await platformOfConfig(exchange, endpoint, access, document.config, signal);
  return { digest, platforms: new Map(platform === undefined ? [] : [[platform, digest]]) };
}

/**
 * Each platform of an index with the manifest that would be chosen for it.
 *
 * @throws {RegistryError} `bad-reply` for an index with too many entries.
 */
export function platformsOf(
  endpoint: Pick<Endpoint, 'registry' | 'repository'>,
  { listed: entries }: Index,
): ReadonlyMap<string, string> {
  if (entries.length > MAX_ENTRIES) {
    const expected = `an index with at most ${MAX_ENTRIES} entries`;
    throw failure('bad-reply', endpoint, expected, `${entries.length}`, {
      hint: 'see what was pushed under that name: no image has so many platforms',
    });
  }
  const platforms = new Map<string, string>();
  for (const entry of entries) {
    if (entry.platform === undefined) continue;
    const platform = normalisePlatform(entry.platform);
    const text = formatPlatform(platform);
    if (platform.os === 'unknown' || parsePlatform(text) === undefined) continue;
    const fitting = entries.filter((other) => other.platform !== undefined);
    const { digest } = choosePlatform(fitting, platform) ?? entry;
    // An image whose digest can't be checked is none.
    if (!platforms.has(text) && isDigest(digest)) platforms.set(text, digest);
  }
  return platforms;
}

const configSchema = v.object({
  os: v.string(),
  architecture: v.string(),
  variant: v.optional(v.string()),
});

/** @returns undefined if the config has no platform, like that of an artifact. */
async function platformOfConfig(
  exchange: Exchange,
  endpoint: Endpoint,
  access: Access,
  { digest, size }: Blob,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const expected = `the config ${digest} with at most ${MAX_CONFIG_BYTES} bytes`;
  const hint = 'push the image again with a current tool';
  if (size > MAX_CONFIG_BYTES) throw failure('bad-reply', endpoint, expected, `${size}`, { hint });
  const path = `blobs/${digest}`;
  const response = await exchange.get({ endpoint, access, path, accept: '*/*', expected, signal });
  let content: Buffer;
  try {
    const body = await readBody(response, MAX_CONFIG_BYTES, exchange.timeoutsOf(endpoint));
    content = decoded(body, response.headers, MAX_CONFIG_BYTES);
  } catch (error) {
    if (error instanceof TooLarge) throw failure('bad-reply', endpoint, expected, 'more', { hint });
    throw connectionLost(endpoint, expected, error);
  }
  const found = sha256(content);
  if (found !== digest) {
    throw failure('digest-mismatch', endpoint, expected, found, {
      hint: 'try again; if this persists, do not trust the registry, or a proxy on the way',
    });
  }
  return platformInConfig(content);
}

/** The platform that a config names; undefined if it names none, like that of an artifact. */
export function platformInConfig(content: Buffer): string | undefined {
  const checked = checkBy(configSchema, parse(content));
  if (!checked.success) return undefined;
  const { os, architecture, variant } = checked.output;
  const text = [os, architecture, ...(variant ? [variant] : [])].join('/');
  const platform = parsePlatform(text);
  return platform === undefined ? undefined : formatPlatform(platform);
}

function parse(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
