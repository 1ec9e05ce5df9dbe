import type { KeyObject } from 'node:crypto';
import { decodeBase64 } from '../../../common/base64.ts';
import { printable } from '../../failure.ts';
import type { SigstoreSigned } from '../requirement.ts';
import type { Attachment } from './attachments.ts';
import { matchesIdentity } from './identity.ts';
import { isSignedBy, readPublicKey } from './key.ts';
import { parsePayload } from './payload.ts';
import { isLogged } from './rekor.ts';

/** The image that is judged. */
export interface Judged {
  /** The full name by which the image is requested. */
  readonly name: string;
  /** The digest of the manifest that is downloaded. */
  readonly manifest: string;
}

/** Reads a file that the policy names; a string says why it can't be read. */
export type ReadKeyFile = (path: string) => Buffer | string;

/** Looks for a signature that meets the requirement. */
export function judgeSigstore(
  requirement: SigstoreSigned,
  { name, manifest }: Judged,
  attachments: readonly Attachment[],
  readKeyFile: ReadKeyFile,
): string | undefined {
  const keys = readKeys(keySources(requirement), readKeyFile);
  if (typeof keys === 'string') return keys;
  const logs = readKeys(logSources(requirement), readKeyFile);
  if (typeof logs === 'string') return logs;
  const odd = logs.find(({ asymmetricKeyType }) => asymmetricKeyType !== 'ec');
  if (odd !== undefined) return 'the key of a log is not for ECDSA';
  const reasons = new Set<string>();
  for (const attachment of attachments) {
    const reason = faultOf(attachment, requirement, keys, logs, name, manifest);
    if (reason === undefined) return undefined;
    reasons.add(reason);
  }
  return [...reasons].slice(0, MAX_REASONS).join('; ');
}

/** A limit, because anybody can attach signatures and so add reasons. */
const MAX_REASONS = 5;

function faultOf(
  { content, annotations }: Attachment,
  { signedIdentity }: SigstoreSigned,
  keys: readonly KeyObject[],
  logs: readonly KeyObject[],
  name: string,
  manifest: string,
): string | undefined {
  const signature = decodeBase64(annotations['dev.cosignproject.cosign/signature'] ?? '');
  if (signature === undefined || signature.length === 0) return 'a signature without a signature';
  const key = keys.find((candidate) => isSignedBy(candidate, content, signature));
  if (key === undefined) return 'a signature by another key';
  if (logs.length > 0) {
    const bundle = annotations['dev.sigstore.cosign/bundle'] ?? '';
    if (!isLogged(bundle, logs, { key, content, signature })) return 'a signature in no known log';
  }
  const payload = parsePayload(content);
  if (payload === undefined) return 'a signature that names no image';
  if (payload.manifest !== manifest) return `a signature for ${printable(payload.manifest)}`;
  return matchesIdentity(signedIdentity, name, payload.name)
    ? undefined
    : `a signature for the name ${printable(payload.name)} (${signedIdentity.type})`;
}

type KeySource = { readonly path: string } | { readonly data: Buffer };

function keySources(requirement: SigstoreSigned): readonly KeySource[] {
  const { keyPath, keyPaths, keyData, keyDatas } = requirement;
  return sources(keyPath, keyPaths, keyData, keyDatas);
}

function logSources(requirement: SigstoreSigned): readonly KeySource[] {
  return sources(
    requirement.rekorPublicKeyPath,
    requirement.rekorPublicKeyPaths,
    requirement.rekorPublicKeyData,
    requirement.rekorPublicKeyDatas,
  );
}

function sources(
  path = '',
  paths: readonly string[] = [],
  data: Buffer | undefined,
  datas: readonly Buffer[] = [],
): readonly KeySource[] {
  return [
    ...(path === '' ? [] : [{ path }]),
    ...paths.map((one) => ({ path: one })),
    ...[...(data === undefined ? [] : [data]), ...datas].map((one) => ({ data: one })),
  ];
}

/**
 * Reads all keys, or returns the fault of the first that can't be read: a policy is never applied in part.
 */
function readKeys(
  from: readonly KeySource[],
  readKeyFile: ReadKeyFile,
): readonly KeyObject[] | string {
  const keys: KeyObject[] = [];
  for (const source of from) {
    const content = 'data' in source ? source.data : readKeyFile(source.path);
    if (typeof content === 'string') return content;
    const key = readPublicKey(content);
    if (typeof key === 'string')
      return `the key ${'path' in source ? source.path : 'in it'} ${key}`;
    keys.push(key);
  }
  return keys;
}
