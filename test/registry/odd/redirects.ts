import fc from 'fast-check';
import { type Draft, draftOf } from './draft.ts';
import { often } from './often.ts';

/** A registry that leads its clients to another place. */
export interface Redirects {
  readonly status: number;
  /** Another host has TLS if the registry has, or never. */
  readonly to: 'own' | 'elsewhere' | 'plain';
  readonly spelled:
    | 'whole'
    | 'path'
    | 'relative'
    | 'without scheme'
    | 'capitals'
    | 'with user'
    | 'with fragment'
    | 'with spaces'
    | 'in UTF-8'
    | 'with dots'
    | 'with tabs around'
    | 'with a bad escape'
    | 'twice'
    | 'not a URL'
    | 'another scheme';
  /** How many redirects follow on each other; the last leads to what was asked for. */
  readonly hops: number;
  /** Whether what was asked for is refused to a client that shows credentials, as S3 does. */
  readonly isShy: boolean;
  /** Whether it never ends. */
  readonly isCircle: boolean;
  /** Whether each address may be used once, as one whose signature expires. */
  readonly isForOnce: boolean;
}

export const redirects: fc.Arbitrary<Redirects> = fc.record({
  status: often(307, fc.constantFrom(301, 302, 303, 308, 301, 302, 303, 308, 300, 305), 1),
  to: often('elsewhere', fc.constantFrom('own', 'own', 'plain'), 1),
  spelled: often(
    'whole',
    fc.constantFrom(
      'path',
      'relative',
      'without scheme',
      'capitals',
      'with user',
      'with fragment',
      'with spaces',
      'in UTF-8',
      'with dots',
      'with tabs around',
      'with a bad escape',
      'twice',
      'not a URL',
      'another scheme',
    ),
    1,
  ),
  hops: often(1, fc.constantFrom(2, 4, 5, 6, 9, 10, 11), 4),
  isShy: fc.boolean(),
  isCircle: often(false, fc.constant(true), 20),
  isForOnce: often(false, fc.constant(true), 4),
});

/** Where redirects lead, and how many more follow there: `/stored/1/v2/acme/app/manifests/1`. */
const STORED = /^\/stored\/(\d+)(\/.*)$/;

type Places = Readonly<Record<Redirects['to'], string>>;

/**
 * The redirect in place of what lies at this path.
 *
 * @param number of the redirect: the address that it leads to is never the same.
 */
export function redirectTo(
  redirects: Redirects,
  path: string,
  places: Places,
  number: number,
): Draft {
  const and = path.includes('?') ? '&' : '?';
  return leading(redirects, `/stored/${redirects.hops - 1}${path}${and}expires=${number}`, places);
}

/** The path to which a path below `/stored/` leads in the end; undefined for any other path. */
export function storedPath(path: string): string | undefined {
  return STORED.exec(path)?.[2];
}

/** The next redirect on the way of a path below `/stored/`; undefined at the end. */
export function nextRedirect(
  redirects: Redirects,
  path: string,
  places: Places,
): Draft | undefined {
  const [, left = '0', rest = ''] = STORED.exec(path) ?? [];
  if (redirects.isCircle) return leading(redirects, path, places);
  return left === '0'
    ? undefined
    : leading(redirects, `/stored/${Number(left) - 1}${rest}`, places);
}

function leading({ status, to, spelled }: Redirects, path: string, places: Places): Draft {
  const origin = places[to];
  const [scheme = '', host = ''] = origin.split('://');
  const and = path.includes('?') ? '&' : '?';
  const location = {
    whole: `${origin}${path}${and}signature=a%2Fb+c`,
    path,
    relative: `../../../../../../../..${path}`,
    'without scheme': `//${host}${path}`,
    capitals: `${scheme.toUpperCase()}://${host}${path}`,
    'with user': `${scheme}://user:word@${host}${path}`,
    'with fragment': `${origin}${path}#part`,
    'with spaces': `${origin}${path}${and}name=a b`,
    'in UTF-8': `${origin}${path}${and}name=caf\xc3\xa9`,
    'with dots': `${origin}/a/./b/../..${path}`,
    'with tabs around': `\t${origin}${path}\t `,
    'with a bad escape': `${origin}${path}${and}name=%zz`,
    twice: `${origin}${path}\r\nLocation: ${origin}${path}`,
    'not a URL': 'http://[',
    'another scheme': `ftp://${host}${path}`,
  }[spelled];
  return draftOf(
    status,
    { Location: location, 'Content-Type': 'text/html' },
    '<a href="x">moved</a>',
  );
}
