import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoggedRequest } from '../support/registry-answer.ts';

/** What a store has of blobs before a run. */
export interface Had {
  /** The digests of those that are whole. */
  readonly whole: ReadonlySet<string>;
  /** What is kept of others. */
  readonly parts: ReadonlyMap<string, Buffer>;
}

export function partsIn(store: string): ReadonlyMap<string, Buffer> {
  const directory = join(store, 'tmp');
  const entries = readdirSync(directory).flatMap((name) => {
    const hex = /^([0-9a-f]{64})\./.exec(name)?.[1];
    return hex === undefined
      ? []
      : [[`sha256:${hex}`, readFileSync(join(directory, name))] as const];
  });
  return new Map(entries);
}

/** Of less berth keeps nothing. */
const WORTH_KEEPING = 64 * 1024;

/** A client that has yet to prove itself gets an error first. */
const CHALLENGE = 200;

/**
 * Holds the requests of a run without faults against what was there before it: what was whole does
 * not come again, of what was begun only the rest, and nothing twice.
 */
export function onlyMissing(
  requests: readonly LoggedRequest[],
  blobs: ReadonlyMap<string, Buffer>,
  { whole, parts }: Had,
): void {
  const bytes = new Map<string, number>();
  for (const { path, bytes: more } of requests) {
    const [, digest] = /\/blobs\/([^?]+)/.exec(path) ?? [];
    if (digest === undefined) continue;
    assert.ok(!whole.has(digest), `${digest} was there`);
    bytes.set(digest, (bytes.get(digest) ?? 0) + more);
  }
  for (const [digest, count] of bytes) {
    const blob = blobs.get(digest);
    assert.ok(blob, `${digest} is of no image`);
    const part = parts.get(digest);
    const isKept = part !== undefined && part.length >= WORTH_KEEPING;
    // A part that a bad registry sent shows only when the rest is there, and then all comes anew.
    const isStart = isKept && blob.subarray(0, part.length).equals(part);
    const kept = isStart ? part.length : 0;
    const most = (isKept && !isStart ? 2 : 1) * blob.length - kept + CHALLENGE;
    assert.ok(count <= most, `${count} bytes of ${digest}: ${blob.length}, ${kept} of them kept`);
  }
}
