import * as v from 'valibot';
import { isDigest } from '../image/digest.ts';
import { repositoryOf } from '../image/name.ts';
import type { Platform } from '../image/platform.ts';
import type { Root } from '../root/root.ts';
import { INDEX_DIGEST, REF_NAME } from './annotations.ts';
import { damaged, reading, SHIPPED } from './failure.ts';

/** A name in index.json. */
export interface Entry {
  readonly name: string;
  /** With its registry. */
  readonly repository: string;
  /** Of a manifest, or of an index. */
  readonly digest: string;
  /** The index that the name stands for in its registry, if it stands for one. */
  readonly index?: string;
  readonly platform?: Platform;
}

/** Some 100,000 names. */
const MAX_BYTES = 64 * 1024 * 1024;

const word = v.pipe(v.string(), v.maxLength(255));
const digest = v.pipe(v.string(), v.check(isDigest, 'expected sha256: and 64 hex digits'));
const schema = v.object({
  schemaVersion: v.literal(2),
  manifests: v.array(
    v.object({
      digest,
      platform: v.optional(v.object({ os: word, architecture: word, variant: v.optional(word) })),
      annotations: v.optional(
        v.object({ [REF_NAME]: v.optional(word), [INDEX_DIGEST]: v.optional(digest) }),
      ),
    }),
  ),
});

/**
 * The entries of an index.json that have a name (image-spec, image-layout.md).
 *
 * @throws {RegistryError} `bad-reply`
 */
export function readEntries(root: Root, path: string): readonly Entry[] {
  const content =
    reading(SHIPPED, path, () => root.readFile(path, MAX_BYTES))?.content ?? Buffer.alloc(0);
  return parse(path, content).flatMap(({ digest, annotations, platform }) => {
    const name = annotations?.[REF_NAME];
    if (name === undefined) return [];
    const index = annotations?.[INDEX_DIGEST];
    return {
      name,
      repository: repositoryOf(name),
      digest,
      ...(index === undefined ? {} : { index }),
      ...(platform === undefined ? {} : { platform: plain(platform) }),
    };
  });
}

function parse(path: string, content: Buffer) {
  try {
    return v.parse(schema, JSON.parse(content.toString())).manifests;
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw damaged(SHIPPED, path, 'an OCI image index', found, error);
  }
}

function plain({
  os,
  architecture,
  variant,
}: {
  os: string;
  architecture: string;
  variant?: string | undefined;
}): Platform {
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}
