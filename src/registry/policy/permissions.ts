import type { ResolvedImage } from '../../image/resolved.ts';
import type { Access } from '../access.ts';
import { RegistryError } from '../errors.ts';
import type { Judge, PermitOptions } from '../registry.ts';
import { Effort } from './effort.ts';
import type { PolicyFiles } from './files.ts';
import type { FoundSignatures, Kinds, SignedImage } from './find.ts';
import { Judging } from './judging.ts';
import type { Permitted } from './permitted.ts';
import { type Asked, askedOf } from './policy.ts';
import type { Requirement, Signed } from './requirement.ts';
import { MAX_SIGNATURES, parseSignature, type Signature, signatureFile } from './signature.ts';
import { Verdicts } from './verdicts.ts';

/** Finds the signatures of an image at one place after the other. */
export type FindSignatures = (
  image: SignedImage,
  kinds: Kinds,
  access: Access,
  signal: AbortSignal | undefined,
) => Promise<FoundSignatures>;

/** Judges by policy.json what berth may download, each image once for each access. */
export class Permissions {
  readonly #files: PolicyFiles;
  readonly #findSignatures: FindSignatures;
  readonly #permitted: Permitted;
  readonly #verdicts = new Verdicts();
  readonly #effort = new Effort();

  constructor(policyFiles: PolicyFiles, findSignatures: FindSignatures, permitted: Permitted) {
    this.#files = policyFiles;
    this.#findSignatures = findSignatures;
    this.#permitted = permitted;
  }

  /** @throws {RegistryError} as `Registry.permit`. */
  async permit(
    image: ResolvedImage,
    access: Access,
    options: PermitOptions,
  ): Promise<readonly Buffer[]> {
    const required = this.#signatureRequirements(image.name, options.engineJudges);
    if (required.length === 0) return [];
    const before = this.#permitted.signatures(access, image.name, image.manifest);
    if (before !== undefined) return before;
    const signatures = (await this.#judge(image, required, access, options)).map(signatureFile);
    this.#permitted.add(access, image, signatures);
    return signatures;
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
      hint: 'let the engine pull it, or let policy.json accept oci-archive: berth judges such an image by its name',
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
  #signatureRequirements(name: string, engineJudges = false): readonly Signed[] {
    const asked = engineJudges ? this.#askEngine(name) : this.#ask(name);
    const signed: Signed[] = [];
    for (const requirement of asked.requirements) {
      if (requirement.type === 'reject') {
        throw refused(name, asked, 'it is rejected', {
          hint: 'choose another image, or change the policy',
        });
      }
      const reason = this.#unjudged(requirement);
      if (reason !== undefined) {
        if (!engineJudges) throw refused(name, asked, reason.message, reason);
      } else if (requirement.type === 'signedBy' || requirement.type === 'sigstoreSigned') {
        signed.push(requirement);
      }
    }
    return signed;
  }

  /** Why berth can't judge a requirement, whatever the image; undefined if it can. */
  #unjudged(requirement: Requirement): Unjudged | undefined {
    switch (requirement.type) {
      case 'insecureAcceptAnything':
      case 'reject':
        return undefined;
      case 'signedBaseLayer':
        return unmet('signedBaseLayer is required, which neither berth nor podman can judge');
      case 'signedBy': {
        const { keyType } = requirement;
        if (keyType !== 'GPGKeys') {
          return unmet(
            `signedBy with ${keyType} is required, which neither berth nor podman can judge`,
          );
        }
        const hint = 'install GnuPG (gpg), or change the policy';
        return this.#files.gpg() === undefined
          ? {
              message: 'signedBy is required, and gpg, by which berth judges it, is not there',
              hint,
            }
          : undefined;
      }
      case 'sigstoreSigned': {
        const kind = (['fulcio', 'pki'] as const).find((one) => requirement[one] !== undefined);
        return kind === undefined
          ? undefined
          : unjudged(
              `sigstoreSigned with ${kind} is required, and berth judges only signatures by keys`,
            );
      }
    }
  }

  /** @returns the signatures that were looked at; the last of them meet the last requirement. */
  async #judge(
    image: ResolvedImage,
    required: readonly Signed[],
    access: Access,
    { beside, offline = false, signal }: PermitOptions,
  ): Promise<readonly Signature[]> {
    const { name, manifest } = image;
    const asked = this.#ask(name);
    const readKeyFile = (path: string) => this.#files.keyFile(path);
    const judged = { name, manifest, readKeyFile, signal };
    const command = this.#files.gpg();
    const gpg = command && { command, verdicts: this.#verdicts, effort: this.#effort };
    const judging = new Judging(required, judged, gpg);
    const files = (beside?.() ?? []).slice(0, MAX_CARRIED);
    const carried = files.map(parseSignature).filter(isSignature);
    if (await judging.add(carried)) return judging.seen;
    if (offline) throw withoutNetwork(name, asked, judging);
    const found = await this.#findSignatures(image, kindsOf(required), access, signal);
    for await (const signatures of found.places) {
      if (await judging.add(signatures)) return judging.seen;
    }
    throw notAccepted(image, asked, judging, found);
  }
}

/**
 * The most signatures that may come with an image, which whoever made a bundle chooses. There are more than at one
 * place, because an image takes along what was found at several.
 */
const MAX_CARRIED = 10 * MAX_SIGNATURES;

interface Unjudged {
  readonly message: string;
  readonly hint: string;
}

function unjudged(message: string): Unjudged {
  return {
    message,
    hint: 'change the policy: only podman and CRI-O judge by themselves what they pull, without --engine store',
  };
}

/** As `unjudged`, for a requirement by which containers/image accepts no image either. */
function unmet(message: string): Unjudged {
  return { message, hint: 'change the policy: no image can meet this requirement' };
}

function kindsOf(required: readonly Signed[]): Kinds {
  return new Set(required.map(({ type }) => (type === 'signedBy' ? 'openpgp' : 'sigstore')));
}

function isSignature(parsed: ReturnType<typeof parseSignature>): parsed is Signature {
  return typeof parsed === 'object';
}

function withoutNetwork(name: string, asked: Asked, { seen, reasons }: Judging): RegistryError {
  const reason =
    seen.length === 0
      ? 'its signature can’t be looked up without a network'
      : `no signature at hand is accepted, and others can’t be looked up without a network: ${reasons}`;
  return refused(name, asked, reason, {
    hint: 'ship, bundle or fetch it anew from where its signatures are: registries.d must name their place there',
  });
}

function notAccepted(
  { name, manifest }: SignedImage,
  asked: Asked,
  { seen, reasons }: Judging,
  { unattached }: FoundSignatures,
): RegistryError {
  if (seen.length > 0) {
    return refused(name, asked, `no signature is accepted: ${reasons}`, {
      hint: 'see whether the policy names the right key and signedIdentity, and who signed the image',
    });
  }
  if (unattached !== undefined) {
    return refused(name, asked, `no signature of ${manifest} was found, and ${unattached}`, {
      hint: 'set use-sigstore-attachments: true for it in registries.d, if it is signed by cosign',
    });
  }
  return refused(name, asked, `no signature of ${manifest} was found`, {
    hint: 'sign the image of each platform (cosign sign --recursive), not its index alone, and see that registries.d names the lookaside of its signatures, if it has one',
  });
}

function refused(
  name: string,
  { where }: Asked,
  reason: string,
  { hint }: { readonly hint: string },
): RegistryError {
  return new RegistryError('policy-rejected', `${name}: ${reason} (${where})`, { hint });
}
