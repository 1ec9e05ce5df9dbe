import type { BindMode, BindPolicy, BoundLink } from '../discovery/reference.ts';
import { globMatches } from './glob.ts';

/** Whether something of a root must be present while the root lives, and which rule says so. */
export interface Decision {
  readonly bound: boolean;
  /** For people: `linked by /usr/lib/berth/bound.d/app.container`. */
  readonly rule: string;
}

/** What the policy needs to know of a reference, or of a unit that a problem stands on. */
export interface Subject {
  readonly unit: string;
  readonly unitPath: string;
  readonly unitRealPath?: string;
  readonly bind?: boolean;
  readonly image?: string;
  /** How the unit comes to start; absent where that is not known. */
  readonly activation?: string;
}

export interface Policy {
  readonly mode: BindMode;
  /** Where the mode comes from: `--bind`, a file, or the default. */
  readonly modeFrom: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** The root's berth.toml, where it has one. */
  readonly path?: string;
  /** By the real path of the unit file that a link leads to. */
  readonly links: ReadonlyMap<string, BoundLink>;
}

/**
 * The policy of one run.
 *
 * @param mode `--bind`, which goes before the root's own.
 */
export function policyOf(
  root: BindPolicy,
  links: readonly BoundLink[],
  mode: BindMode | undefined,
): Policy {
  const effective = mode ?? root.mode ?? 'linked';
  const modeFrom =
    mode !== undefined ? '--bind' : root.mode !== undefined ? (root.path ?? '') : 'the default';
  return {
    mode: effective,
    modeFrom,
    include: root.include,
    exclude: root.exclude,
    ...(root.path === undefined ? {} : { path: root.path }),
    links: new Map(links.map((link) => [link.target, link])),
  };
}

/**
 * The rules, the first that applies decides: `Bind=no`, an exclude glob, `Bind=yes`, a link, an
 * include glob, the mode.
 */
export function decide(subject: Subject, policy: Policy): Decision {
  if (subject.bind === false) return no(`Bind=no in ${subject.unitPath}`);
  const excluded = policy.exclude.find((glob) => matches(glob, subject));
  if (excluded !== undefined) return no(`exclude "${excluded}" in ${policy.path}`);
  if (subject.bind === true) return yes(`Bind=yes in ${subject.unitPath}`);
  const link =
    policy.links.get(subject.unitPath) ??
    (subject.unitRealPath === undefined ? undefined : policy.links.get(subject.unitRealPath));
  if (link !== undefined) return yes(`linked by ${link.path}`);
  const included = policy.include.find((glob) => matches(glob, subject));
  if (included !== undefined) return yes(`include "${included}" in ${policy.path}`);
  return byMode(subject, policy);
}

/** `enabled` takes what nobody knows to stay away: an image too many costs less than one missing. */
function byMode({ activation = 'unknown' }: Subject, { mode, modeFrom }: Policy): Decision {
  switch (mode) {
    case 'linked':
      return no(`mode linked (${modeFrom})`);
    case 'all':
      return yes(`mode all (${modeFrom})`);
    case 'enabled':
      return { bound: activation !== 'none', rule: `mode enabled (${modeFrom}): ${activation}` };
  }
}

/** A glob is held against the service, the unit file's name, the image, and the image without its tag. */
function matches(glob: string, subject: Subject): boolean {
  const file = subject.unitPath.slice(subject.unitPath.lastIndexOf('/') + 1);
  const image = subject.image;
  return (
    globMatches(glob, subject.unit) ||
    globMatches(glob, file) ||
    (image !== undefined &&
      (globMatches(glob, image) || globMatches(glob, image.replace(/(:[^:/@]*|@.*)$/, ''))))
  );
}

function yes(rule: string): Decision {
  return { bound: true, rule };
}

function no(rule: string): Decision {
  return { bound: false, rule };
}
