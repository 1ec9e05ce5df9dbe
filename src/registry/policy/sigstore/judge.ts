import type { KeyObject } from 'node:crypto';
import { decodeBase64 } from '../../../common/base64.ts';
import type { Judged } from '../judged.ts';
import { type KeySource, keySources, readKeys } from '../keys.ts';
import { faultOfPayload } from '../payload.ts';
import type { SigstoreSigned } from '../requirement.ts';
import type { SigstoreSignature } from '../signature.ts';
import { isSignedBy, readPublicKey } from './key.ts';
import { isLogged } from './rekor.ts';

/**
 * Looks for a signature that meets the requirement.
 *
 * @returns undefined if there is one, else the reasons against each.
 */
export function judgeSigstore(
  requirement: SigstoreSigned,
  judged: Judged,
  signatures: readonly SigstoreSignature[],
): readonly string[] | undefined {
  const keys = publicKeys(keySources(requirement), judged);
  if (typeof keys === 'string') return [keys];
  const logs = publicKeys(logSources(requirement), judged);
  if (typeof logs === 'string') return [logs];
  const odd = logs.find(({ asymmetricKeyType }) => asymmetricKeyType !== 'ec');
  if (odd !== undefined) return ['the key of a log is not for ECDSA'];
  const reasons: string[] = [];
  for (const signature of signatures) {
    const reason = faultOf(signature, requirement, keys, logs, judged);
    if (reason === undefined) return undefined;
    reasons.push(reason);
  }
  return reasons;
}

function faultOf(
  { content, annotations }: SigstoreSignature,
  { signedIdentity }: SigstoreSigned,
  keys: readonly KeyObject[],
  logs: readonly KeyObject[],
  judged: Judged,
): string | undefined {
  const signature = decodeBase64(annotations['dev.cosignproject.cosign/signature'] ?? '');
  if (signature === undefined || signature.length === 0) return 'a signature without a signature';
  const key = keys.find((candidate) => isSignedBy(candidate, content, signature));
  if (key === undefined) return 'a signature by another key';
  if (logs.length > 0) {
    const bundle = annotations['dev.sigstore.cosign/bundle'] ?? '';
    if (!isLogged(bundle, logs, { key, content, signature })) return 'a signature in no known log';
  }
  return faultOfPayload('sigstore', content, signedIdentity, judged);
}

function logSources(requirement: SigstoreSigned): readonly KeySource[] {
  return keySources({
    keyPath: requirement.rekorPublicKeyPath,
    keyPaths: requirement.rekorPublicKeyPaths,
    keyData: requirement.rekorPublicKeyData,
    keyDatas: requirement.rekorPublicKeyDatas,
  });
}

function publicKeys(
  sources: readonly KeySource[],
  { readKeyFile }: Judged,
): readonly KeyObject[] | string {
  const texts = readKeys(sources, readKeyFile);
  if (typeof texts === 'string') return texts;
  const keys: KeyObject[] = [];
  for (const { content, called } of texts) {
    const key = readPublicKey(content);
    if (typeof key === 'string') return `the key ${called} ${key}`;
    keys.push(key);
  }
  return keys;
}
