import type { IncomingMessage } from 'node:http';
import { array, type BaseIssue, type BaseSchema } from 'valibot';
import type { Call } from './call.ts';
import { ElementSplitter } from './elements.ts';
import { asEngineError, type Failures } from './failures.ts';
import type { Limits } from './limits.ts';
import { parseReply } from './parse-reply.ts';
import { weightOf } from './weight.ts';

/** What the reading of a reply has to know of the engine that answers. */
export interface Answering {
  readonly failures: Failures;
  readonly limits: Limits;
  /** The socket, as messages call it. */
  readonly socket: string;
}

/** The whole body of a reply, which is bounded. */
export async function readWhole(
  response: IncomingMessage,
  path: string,
  { failures, limits, socket }: Answering,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response) {
      if (!Buffer.isBuffer(chunk)) continue;
      bytes += chunk.length;
      if (bytes > limits.reply) throw failures.tooLarge(path, limits.reply);
      chunks.push(chunk);
    }
  } catch (error) {
    throw asEngineError(failures, error, socket, path);
  }
  return Buffer.concat(chunks);
}

/** The elements of a list in JSON, parsed one after the other. */
export async function readElements<T>(
  element: BaseSchema<unknown, T, BaseIssue<unknown>>,
  response: IncomingMessage,
  path: string,
  { failures, limits, socket }: Answering,
): Promise<readonly T[]> {
  const splitter = new ElementSplitter();
  const elements: T[] = [];
  let bytes = 0;
  let kept = 0;
  try {
    for await (const chunk of response) {
      if (!Buffer.isBuffer(chunk)) continue;
      bytes += chunk.length;
      for (const text of splitter.split(chunk)) {
        if (text.trim() === '') continue;
        const one = parseReply(failures, element, text, path);
        elements.push(one);
        kept += weightOf(one);
      }
      if (Math.max(kept, splitter.size) > limits.reply) throw failures.tooLarge(path, limits.reply);
      if (bytes > limits.list) throw failures.tooLarge(path, limits.list);
    }
  } catch (error) {
    throw asEngineError(failures, error, socket, path);
  }
  const rest = splitter.rest();
  // Go writes a list that was never made as null.
  if (!['', 'null'].includes(rest.trim())) parseReply(failures, array(element), rest, path);
  return elements;
}

/** The lines of a reply as they arrive. Of an endless reply each line is bounded, of others the whole. */
export async function* readLines(
  response: IncomingMessage,
  { path, isEndless }: Pick<Call, 'path' | 'isEndless'>,
  { failures, limits }: Answering,
): AsyncGenerator<string> {
  let rest = '';
  let bytes = 0;
  for await (const text of response.setEncoding('utf8')) {
    if (typeof text !== 'string') continue;
    bytes += text.length;
    if (bytes > limits.reply) throw failures.tooLarge(path, limits.reply);
    const [first = '', ...others] = text.split('\n');
    rest += first;
    for (const other of others) {
      yield rest;
      rest = other;
    }
    if (isEndless === true) bytes = rest.length;
  }
  yield rest;
}
