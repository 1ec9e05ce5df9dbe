import { onceFor } from '../common/once-for.ts';
import type { BindMode, BindPolicy, BoundLink } from '../discovery/reference.ts';
import { Globs } from './glob.ts';

/** Whether an image must be present as long as the root lives, and the rule that decided it. */
export interface Decision {
  readonly bound: boolean;
  /** The rule as shown to people: `linked by /usr/lib/berth/bound.d/app.container`. */
  readonly rule: string;
}

/** The part of a reference, or of a unit with a problem, that the policy looks at. */
export interface Subject {
  readonly unit: string;
  readonly unitPath: string;
  readonly unitRealPath?: string;
  readonly bind?: boolean;
  /** The kind of the reference to the image; absent for images that berth does not know, which count as bound. */
  readonly kind?: string;
  readonly image?: string;
  /** How the unit comes to start; absent where this is not known. */
  readonly activation?: string;
}

export interface Policy {
  readonly mode: BindMode;
  /** The origin of `mode`: `--bind`, the path of a file, or `the default`. */
  readonly modeFrom: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** The path of the root's berth.toml, if the root has one. */
  readonly path?: string;
  /** The links that bind units, keyed by the real path of the unit file that each leads to. */
  readonly links: ReadonlyMap<string, BoundLink>;
}

/** The hint for a root that names images and binds none of them. */
export const HOW_TO_BIND =
  'link the units from /usr/lib/berth/bound.d, write Bind=yes in the [X-Berth] section of a unit, set mode in the root’s /usr/lib/berth/berth.toml, or say --bind all';

/**
 * The binding policy of one run.
 *
 * @param mode the value of `--bind`, which overrides the mode in the root's own berth.toml.
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
 * Applies the rules in this order, and the first that matches decides: `Bind=no`, an exclude glob,
 * `Bind=yes`, a link, an include glob, the mode.
 */
export function decide(subject: Subject, policy: Policy): Decision {
  if (subject.bind === false) return no(`Bind=no in ${subject.unitPath}`);
  const { include, exclude } = globsOf(policy);
  const texts = textsOf(subject);
  const excluded = exclude.first(texts);
  if (excluded !== undefined) return no(`exclude "${excluded}" in ${policy.path}`);
  if (subject.bind === true) return yes(ruleOfBound(subject));
  const link =
    policy.links.get(subject.unitPath) ??
    (subject.unitRealPath === undefined ? undefined : policy.links.get(subject.unitRealPath));
  if (link !== undefined) return yes(`linked by ${link.path}`);
  const included = include.first(texts);
  if (included !== undefined) return yes(`include "${included}" in ${policy.path}`);
  return byMode(subject, policy);
}

/** Why a subject is bound whatever the policy says: by its unit, by a list, or because its images are unknown. */
function ruleOfBound({ kind, unitPath }: Subject): string {
  if (kind === undefined) return `unknown images in ${unitPath}`;
  return LISTS.includes(kind) ? `listed in ${unitPath}` : `Bind=yes in ${unitPath}`;
}

/** The kinds of references whose files are there to bind images. */
const LISTS: readonly string[] = ['list', 'pinned-image-set'];

/**
 * The decision by the mode alone. `enabled` also binds units of which nobody knows whether they
 * start: an unneeded image costs less than a missing one.
 */
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

const globsOf = onceFor(({ include, exclude }: Policy) => ({
  include: new Globs(include),
  exclude: new Globs(exclude),
}));

/** Whether the globs of a policy took so long that some were not compared. */
export function areGlobsSpent(policy: Policy): boolean {
  const { include, exclude } = globsOf(policy);
  return include.isSpent || exclude.isSpent;
}

/** The texts that globs are compared with: the service, the unit file's name, and the image with and without its tag. */
function textsOf({ unit, unitPath, image }: Subject): readonly string[] {
  const file = unitPath.slice(unitPath.lastIndexOf('/') + 1);
  return image === undefined
    ? [unit, file]
    : [unit, file, image, image.replace(/(:[^:/@]*|@.*)$/, '')];
}

function yes(rule: string): Decision {
  return { bound: true, rule };
}

function no(rule: string): Decision {
  return { bound: false, rule };
}
