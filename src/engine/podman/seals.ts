import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { isOutOfSpace, systemErrorCode } from '../../errors.ts';
import { makeDirectory, syncDirectory } from '../../make-directory.ts';
import { EngineError } from '../engine.ts';
import { type Labels, SEALED_LABELS } from './labels.ts';

const KEY_BYTES = 32;

/**
 * Proves of a pin that who wrote its labels has the key in the state directory, which is for berth
 * alone: whoever can make containers can write any label, and what berth removes hangs on what it
 * fetched. The container's name is in the seal, so that no label serves in another place.
 *
 * The key is made with the first seal. One that is lost or damaged is replaced: then nothing proves
 * the pins that are there, and all but what they say of the fetching counts as before.
 */
export class Seals {
  readonly #path: string;
  #key: Buffer | undefined;

  /** @param path of the key's file; it need not exist. */
  constructor(path: string) {
    this.#path = path;
  }

  /** @throws {EngineError} `engine-failed` or `no-space` if there is no key and none can be made. */
  make(name: string, labels: Labels): string {
    this.#key ??= readKey(this.#path) ?? makeKey(this.#path);
    return sealOf(this.#key, name, labels).toString('base64url');
  }

  isRight(name: string, labels: Labels, seal: string | undefined): boolean {
    // Another berth may have made it since.
    this.#key ??= readKey(this.#path);
    if (this.#key === undefined || seal === undefined) return false;
    const expected = sealOf(this.#key, name, labels);
    const found = Buffer.from(seal, 'base64url');
    return found.length === expected.length && timingSafeEqual(found, expected);
  }
}

function sealOf(key: Buffer, name: string, labels: Labels): Buffer {
  const text = JSON.stringify([name, ...SEALED_LABELS.map((label) => labels[label] ?? '')]);
  return createHmac('sha256', key).update(text).digest();
}

/** Undefined for one that is not there, or is no key. */
function readKey(path: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.size !== KEY_BYTES) return undefined;
    const key = Buffer.alloc(KEY_BYTES);
    return readSync(fd, key) === KEY_BYTES ? key : undefined;
  } finally {
    closeSync(fd);
  }
}

/** Whole or not at all; of two that make one at once, the first one's counts for both. */
function makeKey(path: string): Buffer {
  const directory = dirname(path);
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    makeDirectory(directory, 0o700);
    writeKey(temporary);
    try {
      linkSync(temporary, path);
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
      if (readKey(path) === undefined) renameSync(temporary, path);
    }
    rmSync(temporary, { force: true });
    syncDirectory(directory);
    const key = readKey(path);
    if (key === undefined) throw new Error('what was written is not what is there');
    return key;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw unusable(path, error);
  }
}

function writeKey(path: string): void {
  const fd = openSync(path, 'wx', 0o600);
  try {
    writeSync(fd, randomBytes(KEY_BYTES));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function unusable(path: string, error: unknown): EngineError {
  const reason = error instanceof Error ? error.message : String(error);
  if (isOutOfSpace(error)) {
    const message = `no space is left to write ${path}, the key of berth's pins: ${reason}`;
    return new EngineError('no-space', message, {
      hint: 'make space there, if only for 32 bytes',
      cause: error,
    });
  }
  const message = `can't make ${path}, the key of berth's pins: ${reason}`;
  return new EngineError('engine-failed', message, {
    hint: 'run as the user that owns the state directory, or name another with --state-dir',
    cause: error,
  });
}
