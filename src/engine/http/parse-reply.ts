import type { BaseIssue, BaseSchema } from 'valibot';
import { checkBy } from '../../common/check-by.ts';
import { hasMoreValues } from '../../common/text/json-values.ts';
import type { Failures } from './failures.ts';

/** The most values of one reply, or of one element of a list: those of 50,000 images, of which each has 20. */
const MOST_VALUES = 1_000_000;

/** Parses a reply's JSON. If its shape is not as expected, the error says where. */
export function parseReply<T>(
  { badReply }: Failures,
  schema: BaseSchema<unknown, T, BaseIssue<unknown>>,
  text: string,
  path: string,
): T {
  if (hasMoreValues(text, MOST_VALUES))
    throw badReply(path, 'it has more values than any honest one');
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
