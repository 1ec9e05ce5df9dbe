import type { BaseIssue, BaseSchema } from 'valibot';
import { checkBy } from '../../common/check-by.ts';
import type { Failures } from './failures.ts';
import { hasTooManyValues } from './weight.ts';

/** Parses a reply's JSON. If its shape is not as expected, the error says where. */
export function parseReply<T>(
  { badReply }: Failures,
  schema: BaseSchema<unknown, T, BaseIssue<unknown>>,
  text: string,
  path: string,
): T {
  if (hasTooManyValues(text)) throw badReply(path, 'it has more values than any honest one');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badReply(path, 'it is not JSON', error);
  }
  const result = checkBy(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = issue.path?.map(({ key }) => String(key)).join('.') ?? '';
  throw badReply(path, `${where === '' ? '' : `${where}: `}${issue.message}`);
}
