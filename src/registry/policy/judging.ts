import type { Judged } from './judged.ts';
import type { Gpg } from './openpgp/judge.ts';
import type { Signed } from './requirement.ts';
import type { Signature } from './signature.ts';

/** The judgement of one image by all that is required of it, while its signatures come. */
export class Judging {
  /** The signatures so far. */
  readonly seen: Signature[] = [];
  readonly #judged: Judged;
  readonly #gpg: Gpg | undefined;
  #unmet: readonly Signed[];
  readonly #reasons = new Set<string>();

  /** @param gpg without it no OpenPGP signature is accepted. */
  constructor(required: readonly Signed[], judged: Judged, gpg: Gpg | undefined) {
    this.#unmet = required;
    this.#judged = judged;
    this.#gpg = gpg;
  }

  /** Judges further signatures. @returns whether every requirement is met by one signature or another. */
  async add(signatures: readonly Signature[]): Promise<boolean> {
    if (signatures.length === 0) return this.#unmet.length === 0;
    for (const signature of signatures) this.seen.push(signature);
    const unmet: Signed[] = [];
    for (const requirement of this.#unmet) {
      const reasons = await this.#reasonsAgainst(requirement, signatures);
      if (reasons === undefined) continue;
      unmet.push(requirement);
      for (const reason of reasons) this.#reasons.add(reason);
    }
    this.#unmet = unmet;
    return unmet.length === 0;
  }

  /** Why the signatures are not enough. */
  get reasons(): string {
    return [...this.#reasons].slice(0, MAX_REASONS).join('; ');
  }

  async #reasonsAgainst(
    requirement: Signed,
    signatures: readonly Signature[],
  ): Promise<readonly string[] | undefined> {
    if (requirement.type === 'sigstoreSigned') {
      const { judgeSigstore } = await import('./sigstore/judge.ts');
      const own = signatures.filter((signature) => signature.kind === 'sigstore');
      return judgeSigstore(requirement, this.#judged, own);
    }
    if (this.#gpg === undefined) return ['gpg is not there'];
    const { judgeOpenpgp } = await import('./openpgp/judge.ts');
    const own = signatures.filter((signature) => signature.kind === 'openpgp');
    return judgeOpenpgp(requirement, this.#judged, own, this.#gpg);
  }
}

/** A limit, because anybody can attach signatures and so add reasons. */
const MAX_REASONS = 5;
