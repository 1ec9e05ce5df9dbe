import type { Judged } from '../judged.ts';
import { keySources, readKeys } from '../keys.ts';
import { faultOfPayload } from '../payload.ts';
import type { SignedBy } from '../requirement.ts';
import type { OpenpgpSignature } from '../signature.ts';
import { withKeyring } from './keyring.ts';

/**
 * In milliseconds: how long the signatures of one place may take. gpg judges a hundred in a second or two, but there may
 * be some that it unpacks for as long as it is let.
 */
const LONGEST = 300_000;

/**
 * Looks for a signature that meets the requirement.
 *
 * @param gpg the path of the program.
 * @returns undefined if there is one, else the reasons against each.
 */
export async function judgeOpenpgp(
  requirement: SignedBy,
  judged: Judged,
  signatures: readonly OpenpgpSignature[],
  gpg: string,
): Promise<readonly string[] | undefined> {
  const texts = readKeys(keySources(requirement), judged.readKeyFile);
  if (typeof texts === 'string') return [texts];
  const keys = texts.map(({ content }) => content);
  const found = await withKeyring(gpg, keys, judged.signal, async (keyring) => {
    const reasons: string[] = [];
    const end = performance.now() + LONGEST;
    for (const { message } of signatures) {
      if (performance.now() > end) return [...reasons, 'signatures that take gpg too long'];
      const signed = await keyring.verify(message);
      const reason =
        typeof signed === 'string'
          ? signed
          : faultOfPayload('openpgp', signed, requirement.signedIdentity, judged);
      if (reason === undefined) return undefined;
      reasons.push(reason);
    }
    return reasons;
  });
  return typeof found === 'string' ? [found] : found;
}
