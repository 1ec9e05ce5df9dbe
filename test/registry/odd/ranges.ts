import fc from 'fast-check';
import { type Draft, draftOf, refusalOf, withHeader } from './draft.ts';
import { often } from './often.ts';

/** What a registry makes of a request for a part of a blob. */
export type Ranges =
  | 'served'
  /** The whole comes, as RFC 9110 allows. */
  | 'ignored'
  | 400
  | 403
  | 404
  | 405
  | 416
  | 500
  | 501
  /** 206 with everything from the first byte on, and headers that say so. */
  | 'from zero'
  | 'without Content-Range'
  /** The right part, with headers for another one. */
  | 'misnamed'
  /** Only the first half of what was asked for, and headers that say so. */
  | 'half'
  /** As before, without a length of the whole. */
  | 'half of an unknown whole'
  | 'in two parts'
  | 'nothing';

export const ranges: fc.Arbitrary<Ranges> = often(
  'served',
  fc.constantFrom<Ranges>(
    'ignored',
    400,
    403,
    404,
    405,
    416,
    500,
    501,
    'from zero',
    'without Content-Range',
    'misnamed',
    'half',
    'half of an unknown whole',
    'in two parts',
    'nothing',
  ),
  1,
);

/** The reply to a request with this `Range` header, for which `whole` would be the reply without it. */
export function partOf(ranges: Ranges, whole: Draft, range: string | undefined): Draft {
  const [, first] = /^bytes=(\d+)-$/.exec(range ?? '') ?? [];
  if (first === undefined || whole.status !== 200 || ranges === 'ignored') return whole;
  if (typeof ranges === 'number') return refusalOf(ranges);
  const from = Number(first);
  const { length } = whole.body;
  if (from >= length) return refusalOf(416);
  const part = (start: number, end: number, contentRange: string | undefined): Draft => ({
    ...withHeader(whole, 'Content-Range', contentRange),
    status: 206,
    body: whole.body.subarray(start, end),
  });
  const half = from + Math.ceil((length - from) / 2);
  switch (ranges) {
    case 'served':
      return part(from, length, `bytes ${from}-${length - 1}/${length}`);
    case 'from zero':
      return part(0, length, `bytes 0-${length - 1}/${length}`);
    case 'without Content-Range':
      return part(from, length, undefined);
    case 'misnamed':
      return part(from, length, `bytes ${from + 1}-${length}/${length + 1}`);
    case 'half':
      return part(from, half, `bytes ${from}-${half - 1}/${length}`);
    case 'half of an unknown whole':
      return part(from, half, `bytes ${from}-${half - 1}/*`);
    case 'in two parts':
      return draftOf(
        206,
        { 'Content-Type': 'multipart/byteranges; boundary=x' },
        `--x\r\nContent-Range: bytes ${from}-${from}/${length}\r\n\r\n \r\n--x--\r\n`,
      );
    case 'nothing':
      return part(from, from, `bytes ${from}-${length - 1}/${length}`);
  }
}
