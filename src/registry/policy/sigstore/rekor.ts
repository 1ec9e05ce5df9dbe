import { createHash, type KeyObject } from 'node:crypto';
import * as v from 'valibot';
import { decodeBase64 } from '../../../common/base64.ts';
import { readStrictJson } from '../strict-json.ts';
import { isSignedBy } from './key.ts';
import { firstPemBlock } from './pem.ts';

/** A signature that a log must have recorded. */
export interface LoggedSignature {
  readonly key: KeyObject;
  readonly content: Buffer;
  readonly signature: Buffer;
}

const base64 = v.pipe(v.string(), v.transform(decodeBase64), v.instance(Buffer));

/** The part of the log's reply that cosign attaches. */
const bundleSchema = v.strictObject({
  SignedEntryTimestamp: base64,
  Payload: v.strictObject({
    body: v.string(),
    integratedTime: v.pipe(v.number(), v.safeInteger()),
    logIndex: v.pipe(v.number(), v.safeInteger()),
    logID: v.string(),
  }),
});

/** An entry of the log. The log signs it, so additional fields do no harm. */
const entrySchema = v.object({
  kind: v.literal('hashedrekord'),
  apiVersion: v.literal('0.0.1'),
  spec: v.object({
    signature: v.object({ content: base64, publicKey: v.object({ content: base64 }) }),
    data: v.object({ hash: v.object({ algorithm: v.literal('sha256'), value: v.string() }) }),
  }),
});

/**
 * Whether one of the logs promises, by a signed entry timestamp, that it has recorded this signature by
 * exactly this key.
 *
 * @param bundle the annotation `dev.sigstore.cosign/bundle`.
 * @param logs the public keys of the logs.
 */
export function isLogged(
  bundle: string,
  logs: readonly KeyObject[],
  { key, content, signature }: LoggedSignature,
): boolean {
  const promise = readStrictJson(bundleSchema, Buffer.from(bundle));
  if (promise === undefined) return false;
  const { body, integratedTime, logID, logIndex } = promise.Payload;
  // RFC 8785 (canonical JSON): keys in this order, numbers and strings as JavaScript writes them.
  const signed = Buffer.from(JSON.stringify({ body, integratedTime, logID, logIndex }));
  if (!logs.some((log) => isSignedBy(log, signed, promise.SignedEntryTimestamp))) return false;
  const entry = readStrictJson(entrySchema, decodeBase64(body) ?? Buffer.alloc(0));
  if (entry === undefined) return false;
  const { signature: logged, data } = entry.spec;
  const block = firstPemBlock(logged.publicKey.content);
  return (
    block?.rest === '' &&
    block.der.equals(key.export({ type: 'spki', format: 'der' })) &&
    logged.content.equals(signature) &&
    data.hash.value.toLowerCase() === createHash('sha256').update(content).digest('hex')
  );
}
