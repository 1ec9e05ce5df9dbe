import { append } from '../../common/append.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import type { Access } from '../access.ts';
import { RegistryError } from '../errors.ts';
import type { Judge, PermitOptions } from '../registry.ts';
import type { PolicyFiles } from './files.ts';
import type { Permitted } from './permitted.ts';
import { type Asked, askedOf } from './policy.ts';
import type { Requirement, SigstoreSigned } from './requirement.ts';
import type { Attachment } from './sigstore/attachments.ts';

/**
 * Finds the signatures of an image at one of its endpoints after the other; a string says why none are
 * looked for.
 */
export type FindSignatures = (
  image: ResolvedImage,
  access: Access,
  signal: AbortSignal | undefined,
) => Promise<AsyncIterable<readonly Attachment[]> | string>;

/** Judges by policy.json what berth may download, each image once for each access. */
export class Permissions {
  readonly #files: PolicyFiles;
  readonly #findSignatures: FindSignatures;
  readonly #permitted: Permitted;

  constructor(policyFiles: PolicyFiles, findSignatures: FindSignatures, permitted: Permitted) {
    this.#files = policyFiles;
    this.#findSignatures = findSignatures;
    this.#permitted = permitted;
  }

  /** @throws {RegistryError} as `Registry.permit`. */
  async permit(image: ResolvedImage, access: Access, options: PermitOptions): Promise<void> {
    const signed = this.#signatureRequirements(image.name, options.engineJudges);
    if (signed.length === 0) return;
    const { name, manifest, digest, blobs } = image;
    if (this.#permitted.has(access, name, manifest)) return;
    if (options.offline === true) {
      throw refused(name, this.#ask(name), 'its signature can’t be looked up without a network', {
        hint: 'fetch the image while there is a network, or require no signature for it',
      });
    }
    await this.#judge(image, signed, access, options.signal);
    const parts = [digest, manifest, ...blobs.map((blob) => blob.digest)];
    this.#permitted.add(access, name, parts);
  }

  /**
   * Refuses a manifest or blob that needs a signature and was not permitted.
   *
   * @param digest the digest of the manifest or blob.
   * @param access the same object with which it was permitted.
   * @throws {RegistryError} `policy-rejected`
   */
  check(name: string, digest: string, access: Access): void {
    const isFree = this.#signatureRequirements(name).length === 0;
    if (isFree || this.#permitted.has(access, name, digest)) return;
    throw refused(name, this.#ask(name), `${digest} was not judged by it`, {
      hint: 'report this: berth must judge an image before it downloads a part of it',
    });
  }

  /** @throws {RegistryError} as `Registry.foresee`. */
  foresee(name: string, judge: Judge): void {
    this.#signatureRequirements(name, judge === 'engine');
    if (judge !== 'archives') return;
    const { archives, path } = this.#files.policy();
    const wanted = archives.find(({ type }) => type !== 'insecureAcceptAnything');
    if (wanted === undefined) return;
    const asked = { requirements: archives, where: `${path}, oci-archive` };
    throw refused(name, asked, `${wanted.type} is required of archives`, {
      hint: 'let the engine pull it',
    });
  }

  #ask(name: string): Asked {
    return askedOf(this.#files.policy(), name);
  }

  /**
   * The requirements for an image that the engine judges too. A newer engine may know more than berth: a
   * policy that berth can't read is left to the engine.
   */
  #askEngine(name: string): Asked {
    try {
      return this.#ask(name);
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'registry-config') throw error;
      return { where: '', requirements: [] };
    }
  }

  /**
   * The requirements that need a signature.
   *
   * @throws {RegistryError} for a requirement that nothing can meet.
   */
  #signatureRequirements(name: string, engineJudges = false): readonly SigstoreSigned[] {
    const asked = engineJudges ? this.#askEngine(name) : this.#ask(name);
    const signed: SigstoreSigned[] = [];
    for (const requirement of asked.requirements) {
      if (requirement.type === 'reject') {
        throw refused(name, asked, 'it is rejected', {
          hint: 'choose another image, or change the policy',
        });
      }
      const reason = unjudged(requirement);
      if (reason !== undefined && !engineJudges) {
        throw refused(name, asked, reason, {
          hint: 'fetch it with an engine that judges it itself (--engine podman), or change the policy',
        });
      }
      if (requirement.type === 'sigstoreSigned' && reason === undefined) signed.push(requirement);
    }
    return signed;
  }

  async #judge(
    image: ResolvedImage,
    requirements: readonly SigstoreSigned[],
    access: Access,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const asked = this.#ask(image.name);
    const found = await this.#findSignatures(image, access, signal);
    if (typeof found === 'string') {
      throw refused(image.name, asked, `it must be signed, and ${found}`, {
        hint: 'set use-sigstore-attachments: true for it in registries.d, if it is signed by cosign',
      });
    }
    const { judgeSigstore } = await import('./sigstore/judge.ts');
    const readKeyFile = (path: string) => this.#files.keyFile(path);
    const attachments: Attachment[] = [];
    let reason: string | undefined;
    for await (const more of found) {
      if (more.length === 0) continue;
      append(attachments, more);
      const reasons = requirements.map((one) =>
        judgeSigstore(one, image, attachments, readKeyFile),
      );
      reason = reasons.find((fault) => fault !== undefined);
      if (reason === undefined) return;
    }
    if (reason === undefined) {
      throw refused(image.name, asked, `no signature of ${image.manifest} was found`, {
        hint: 'sign the image of each platform (cosign sign --recursive), not its index alone',
      });
    }
    throw refused(image.name, asked, `no signature is accepted: ${reason}`, {
      hint: 'see whether the policy names the right key and signedIdentity, and who signed the image',
    });
  }
}

/** Why berth can't judge a requirement, whatever the image; undefined if it can. */
function unjudged(requirement: Exclude<Requirement, { type: 'reject' }>): string | undefined {
  switch (requirement.type) {
    case 'insecureAcceptAnything':
      return undefined;
    case 'signedBy':
    case 'signedBaseLayer':
      return `${requirement.type} is required, which berth can’t judge`;
    case 'sigstoreSigned': {
      const kind = (['fulcio', 'pki'] as const).find((one) => requirement[one] !== undefined);
      return kind === undefined
        ? undefined
        : `sigstoreSigned with ${kind} is required, and berth judges only signatures by keys`;
    }
  }
}

function refused(
  name: string,
  { where }: Asked,
  reason: string,
  options: { hint: string },
): RegistryError {
  return new RegistryError('policy-rejected', `${name}: ${reason} (${where})`, options);
}
