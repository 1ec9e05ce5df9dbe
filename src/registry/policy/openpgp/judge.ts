import type { Effort } from '../effort.ts';
import type { GpgCommand } from '../files.ts';
import type { Judged } from '../judged.ts';
import { keySources, readKeys } from '../keys.ts';
import { faultOfPayload } from '../payload.ts';
import type { SignedBy } from '../requirement.ts';
import type { OpenpgpSignature } from '../signature.ts';
import type { Verdicts } from '../verdicts.ts';
import { withKeyring } from './keyring.ts';

/**
 * In milliseconds: how long the signatures of one place may take. gpg judges a hundred in a second or two, but there may
 * be some that it unpacks for as long as it is let.
 */
const LONGEST = 60_000;

/** The program that judges, what it said before, and how much it may still do. */
export interface Gpg {
  readonly command: GpgCommand;
  readonly verdicts: Verdicts;
  readonly effort: Effort;
}

/**
 * Looks for a signature that meets the requirement.
 *
 * @returns undefined if there is one, else the reasons against each.
 * @throws {RegistryError} `policy-rejected` if gpg has had too much to do for all images together.
 */
export async function judgeOpenpgp(
  requirement: SignedBy,
  judged: Judged,
  signatures: readonly OpenpgpSignature[],
  gpg: Gpg,
): Promise<readonly string[] | undefined> {
  const texts = readKeys(keySources(requirement), judged.readKeyFile);
  if (typeof texts === 'string') return [texts];
  const keys = texts.map(({ content }) => content);
  const against = (signed: Buffer | string) =>
    typeof signed === 'string'
      ? signed
      : faultOfPayload('openpgp', signed, requirement.signedIdentity, judged);
  const reasons: string[] = [];
  for (const [at, { message }] of signatures.entries()) {
    const verdict = gpg.verdicts.of(keys, message);
    if (verdict === undefined) {
      const rest = await judgeByGpg(keys, judged, signatures.slice(at), gpg, against);
      return rest && [...reasons, ...rest];
    }
    const reason = against(verdict);
    if (reason === undefined) return undefined;
    reasons.push(reason);
  }
  return reasons;
}

async function judgeByGpg(
  keys: readonly Buffer[],
  { name, signal }: Judged,
  signatures: readonly OpenpgpSignature[],
  { command, verdicts, effort }: Gpg,
  against: (signed: Buffer | string) => string | undefined,
): Promise<readonly string[] | undefined> {
  const found = await withKeyring(command, keys, signal, async (keyring) => {
    const reasons: string[] = [];
    const end = performance.now() + LONGEST;
    for (const { message } of signatures) {
      if (performance.now() > end) return [...reasons, 'signatures that take gpg too long'];
      const known = verdicts.of(keys, message);
      if (known === undefined) effort.check(name);
      const asked = performance.now();
      const said = known ?? (await keyring.verify(message));
      const isDown = typeof said === 'object' && 'down' in said;
      if (!isDown) verdicts.add(keys, message, said);
      const reason = isDown ? said.down : against(said);
      if (reason === undefined) return undefined;
      if (known === undefined) effort.wasted(performance.now() - asked);
      reasons.push(reason);
    }
    return reasons;
  });
  return typeof found === 'string' ? [found] : found;
}
