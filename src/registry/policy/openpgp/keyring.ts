import type { GpgCommand } from '../files.ts';
import { withHome } from './home.ts';
import { type GpgDown, type GpgRan, runGpg } from './run-gpg.ts';
import { importedKeys, verdictOf } from './status.ts';

/** The keys of a requirement, and nothing else. */
export interface Keyring {
  /** @returns the signed bytes, a string that says what is wrong with the message, or why gpg could not judge it. */
  verify(message: Buffer): Promise<Buffer | GpgDown | string>;
}

/**
 * Works with a keyring in a directory that is made for it and removed afterwards, as containers/image does.
 * The keys and settings of the user who runs berth play no part.
 *
 * @param keys each holds one or more keys, armored or not.
 * @returns what `work` returns, or a string that says why no key can be used. As in containers/image, one key
 *   that gpg takes is enough.
 */
export async function withKeyring<T>(
  gpg: GpgCommand,
  keys: readonly Buffer[],
  signal: AbortSignal | undefined,
  work: (keyring: Keyring) => Promise<T>,
): Promise<T | string> {
  return withHome(async (home) => {
    const run = (words: readonly string[], input: Buffer) =>
      runGpg(gpg, home, words, input, signal);
    const known = await imported(run, keys);
    if (typeof known === 'string') return known;
    return work({ verify: async (message) => verify(run, known, message) });
  });
}

type Run = (words: readonly string[], input: Buffer) => Promise<GpgRan | GpgDown | string>;

async function imported(run: Run, keys: readonly Buffer[]): Promise<ReadonlySet<string> | string> {
  const known = new Set<string>();
  for (const key of keys) {
    const ran = await run(['--import'], key);
    if (typeof ran === 'string') return ran;
    if ('down' in ran) return ran.down;
    for (const fingerprint of importedKeys(ran.status)) known.add(fingerprint);
  }
  return known.size === 0 ? 'none of its keys is an OpenPGP key' : known;
}

async function verify(
  run: Run,
  known: ReadonlySet<string>,
  message: Buffer,
): Promise<Buffer | GpgDown | string> {
  const ran = await run(['--output', '-', '--', '-'], message);
  if (typeof ran === 'string' || 'down' in ran) return ran;
  const verdict = verdictOf(ran.status);
  if (typeof verdict === 'string') return verdict;
  if (ran.code !== 0) return `a signature that gpg refuses (${ran.code})`;
  return known.has(verdict.key) ? ran.output : 'a signature by another key';
}
