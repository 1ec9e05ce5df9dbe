import { nameFromBytes } from '../path-bytes.ts';
import { TarError } from './error.ts';

/** The records of a pax extended header that matter to a reader of trees. */
export interface PaxRecords {
  readonly path?: string;
  readonly linkpath?: string;
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly sparse?: true;
}

/**
 * The records `LENGTH KEYWORD=VALUE\n` (POSIX.1-2017, pax, "pax Header Block"); an empty value takes
 * away what an earlier record said.
 *
 * @throws {TarError} for a malformed record: to skip it would give the member another name or size.
 */
export function paxRecords(body: Buffer): PaxRecords {
  const records: { -readonly [K in keyof PaxRecords]: PaxRecords[K] } = {};
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const digits = body.toString('latin1', at, Math.max(at, space));
    const length = /^[1-9]\d{0,6}$/.test(digits) ? Number(digits) : 0;
    const equals = body.indexOf(0x3d, at);
    const end = at + length - 1;
    if (space >= equals || equals >= end || body[end] !== 0x0a) {
      throw new TarError('an extended header has a record that is none');
    }
    const keyword = body.toString('latin1', space + 1, equals);
    const value = body.subarray(equals + 1, end);
    if (value.length === 0) {
      if (isRemembered(keyword)) delete records[keyword];
    } else if (keyword === 'path') records.path = nameFromBytes(value);
    else if (keyword === 'linkpath') records.linkpath = nameFromBytes(value);
    else if (keyword === 'size' || keyword === 'uid' || keyword === 'gid')
      records[keyword] = numberOf(keyword, value);
    else if (keyword.startsWith('GNU.sparse.')) records.sparse = true;
    at = end + 1;
  }
  return records;
}

const remembered = ['path', 'linkpath', 'size', 'uid', 'gid'] as const;

function isRemembered(keyword: string): keyword is (typeof remembered)[number] {
  return remembered.some((known) => known === keyword);
}

function numberOf(keyword: string, value: Buffer): number {
  const text = value.toString('latin1');
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) {
    throw new TarError(`an extended header has a ${keyword} that is none`);
  }
  return number;
}
