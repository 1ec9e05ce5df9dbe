import * as v from 'valibot';
import { decodeBase64 } from '../../common/base64.ts';
import { checkBy } from '../../common/check-by.ts';
import type { Access } from '../access.ts';
import type { Endpoint } from '../endpoint.ts';
import { RegistryError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { connectionLost, failure } from '../failure.ts';
import { readBody, TooLarge } from '../http/body.ts';
import { MAX_SIGNATURES, type OpenpgpSignature } from './signature.ts';

const MAX_REPLY_BYTES = 4 * 1024 * 1024;

const schema = v.object({
  signatures: v.nullish(
    v.array(
      v.object({
        schemaVersion: v.nullish(v.number()),
        type: v.nullish(v.string()),
        content: v.nullish(v.pipe(v.string(), v.transform(decodeBase64), v.instance(Buffer))),
      }),
    ),
    [],
  ),
});

/**
 * Reads the simple signatures of a manifest from a registry that stores them itself, as OpenShift's does.
 * Source: containers/image, docs/signature-protocols.md, "X-Registry-Supports-Signatures".
 *
 * @throws {RegistryError}
 */
export async function readExtension(
  exchange: Exchange,
  endpoint: Endpoint,
  access: Access,
  manifest: string,
  signal: AbortSignal | undefined,
): Promise<readonly OpenpgpSignature[]> {
  const expected = `the signatures of ${manifest} by the registry's extension`;
  const path = `/extensions/v2/${endpoint.repository}/signatures/${manifest}`;
  const accept = 'application/json';
  const response = await exchange.get({ endpoint, access, path, accept, expected, signal });
  const reply = await readBody(response, MAX_REPLY_BYTES, exchange.timeoutsOf(endpoint)).catch(
    (error: unknown) => {
      if (error instanceof TooLarge) return undefined;
      throw connectionLost(endpoint, expected, error);
    },
  );
  const signatures = reply === undefined ? undefined : parse(reply);
  if (signatures === undefined) throw wrong(endpoint, expected, 'something else');
  const messages = signatures.flatMap(({ schemaVersion, type, content }): OpenpgpSignature[] =>
    schemaVersion === 2 && type === 'atomic' && content
      ? [{ kind: 'openpgp', message: content }]
      : [],
  );
  if (messages.length <= MAX_SIGNATURES) return messages;
  throw wrong(endpoint, `at most ${MAX_SIGNATURES} signatures of ${manifest}`, 'more');
}

function parse(reply: Buffer): v.InferOutput<typeof schema>['signatures'] | undefined {
  try {
    const checked = checkBy(schema, JSON.parse(reply.toString('utf8')));
    return checked.success ? checked.output.signatures : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function wrong(endpoint: Endpoint, expected: string, found: string): RegistryError {
  return failure('bad-reply', endpoint, expected, found, {
    hint: 'tell those who run the registry: it says that it supports signatures',
  });
}
