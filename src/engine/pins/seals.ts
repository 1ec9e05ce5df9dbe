import {
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
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
import { isOutOfSpace, systemErrorCode } from '../../common/errors.ts';
import { makeDirectory, syncDirectory } from '../../common/files/make-directory.ts';
import { EngineError } from '../errors.ts';
import { type Labels, sealedText } from './labels.ts';

const KEY_BYTES = 32;

/** Says whether berth wrote the labels of a pin. */
export interface SealCheck {
  isRight(name: string, labels: Labels, seal: string | undefined): boolean;
}

/**
 * Seals prove that berth itself wrote a pin's labels: whoever can make containers can write any label, but
 * only berth can read the key in the state directory. The container's name is part of the seal, so a copied
 * seal is invalid on another container.
 *
 * The first seal makes the key. A lost or damaged key is replaced; existing pins then count as before,
 * except for their claim that berth fetched the image. The key is read for each seal, or each list of them, as
 * another berth may have made or replaced it.
 */
export class Seals implements SealCheck {
  readonly #path: string;

  /** @param path of the key's file; it need not exist. */
  constructor(path: string) {
    this.#path = path;
  }

  /** @throws {EngineError} `engine-failed` or `no-space` if there is no key and none can be made. */
  make(name: string, labels: Labels): string {
    const key = readKey(this.#path) ?? makeKey(this.#path);
    return sealOf(key, name, labels).toString('base64url');
  }

  isRight(name: string, labels: Labels, seal: string | undefined): boolean {
    return this.forList().isRight(name, labels, seal);
  }

  /** The check of the seals of one list, for which the key is read once. */
  forList(): SealCheck {
    let key: KeyObject | 'none' | undefined;
    return {
      isRight: (name, labels, seal) => {
        if (seal === undefined) return false;
        key ??= keyOf(readKey(this.#path));
        if (key === 'none') return false;
        const expected = sealOf(key, name, labels);
        const found = Buffer.from(seal, 'base64url');
        return found.length === expected.length && timingSafeEqual(found, expected);
      },
    };
  }
}

function keyOf(bytes: Buffer | undefined): KeyObject | 'none' {
  return bytes === undefined ? 'none' : createSecretKey(bytes);
}

function sealOf(key: Buffer | KeyObject, name: string, labels: Labels): Buffer {
  return createHmac('sha256', key).update(sealedText(name, labels)).digest();
}

/** Errors that mean that there is no key: the file is missing, or is a link, which berth never makes. */
const absent: ReadonlySet<string> = new Set(['ENOENT', 'ELOOP']);

/**
 * Reads the key; undefined if the file is missing or is no key.
 *
 * @param isToReplace whether an unreadable file is an error: replacing it could destroy a good key.
 */
function readKey(path: string, isToReplace = false): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined || (isToReplace && !absent.has(code))) throw error;
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

/** Writes a new key, whole or not at all. If two processes make one at once, both use the first. */
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
      if (readKey(path, true) === undefined) renameSync(temporary, path);
    }
    rmSync(temporary, { force: true });
    syncDirectory(directory);
    const key = readKey(path);
    if (key === undefined) throw new Error('the file does not hold what was written');
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
      hint: 'make space there: 32 bytes are enough',
      cause: error,
    });
  }
  const message = `can't make ${path}, the key of berth's pins: ${reason}`;
  return new EngineError('engine-failed', message, {
    hint: 'run as the user that owns the state directory, or name another with --state-dir',
    cause: error,
  });
}
