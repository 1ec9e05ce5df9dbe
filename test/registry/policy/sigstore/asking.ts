import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Signing } from '../../../support/signing.ts';

export const publicPem = (key: KeyObject) =>
  createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();

/** Permits only images that are signed so. */
export function askFor(signing: Signing, requirement: object): void {
  const signedIdentity = { type: 'matchRepository' };
  const docker = {
    [signing.host]: [{ type: 'sigstoreSigned', signedIdentity, ...requirement }],
  };
  signing.writePolicy({ default: [{ type: 'reject' }], transports: { docker } });
}

export function attachmentsAt(signing: Signing): void {
  signing.writeRegistriesD(`docker:\n  ${signing.host}:\n    use-sigstore-attachments: true\n`);
}
