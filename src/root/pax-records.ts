import { nameFromBytes } from './names.ts';

/** What of a pax extended header matters to who reads a tree. */
export interface PaxRecords {
  readonly path?: string;
  readonly linkpath?: string;
  readonly size?: number;
  readonly sparse?: true;
}

/**
 * The records `LENGTH KEYWORD=VALUE\n` (POSIX.1-2017, pax, "pax Header Block"). What does not
 * have this form ends them.
 */
export function paxRecords(body: Buffer): PaxRecords {
  const records: { -readonly [K in keyof PaxRecords]: PaxRecords[K] } = {};
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const length = space === -1 ? 0 : Number(body.toString('latin1', at, space));
    const equals = body.indexOf(0x3d, at);
    const end = at + length - 1;
    if (!Number.isSafeInteger(length) || space >= equals || equals >= end || body[end] !== 0x0a)
      break;
    const keyword = body.toString('latin1', space + 1, equals);
    const value = body.subarray(equals + 1, end);
    if (keyword === 'path') records.path = nameFromBytes(value);
    else if (keyword === 'linkpath') records.linkpath = nameFromBytes(value);
    else if (keyword === 'size') {
      const size = Number(value.toString('latin1'));
      if (Number.isSafeInteger(size) && size >= 0) records.size = size;
    } else if (keyword.startsWith('GNU.sparse.')) records.sparse = true;
    at = end + 1;
  }
  return records;
}
