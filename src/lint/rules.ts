export type LintLevel = 'error' | 'warning' | 'note';

/** The codes of lint's own rules. Findings may also have the codes of docs/problems.md. */
export type LintCode =
  | 'floating-tag'
  | 'missing-image'
  | 'never-starts'
  | 'no-platform'
  | 'not-checked'
  | 'nothing-bound'
  | 'short-name'
  | 'suppression'
  | 'total-size'
  | 'two-digests'
  | 'two-stores';

export interface LintRule {
  readonly level: LintLevel;
  /** The level for a unit that is not bound. */
  readonly unbound: LintLevel;
  readonly summary: string;
  /** What to do, as docs/lint.md says it. */
  readonly help: string;
  /** Set for rules that need the registries; `--offline` skips them. */
  readonly online?: true;
}

/** All rules. A test compares them with docs/lint.md. */
export const lintRules: Readonly<Record<LintCode, LintRule>> = {
  'floating-tag': {
    level: 'warning',
    unbound: 'note',
    summary: 'a tag may mean another image tomorrow, and no lock says which',
    help: 'run `berth lock` when the root is built, or write the digest',
  },
  'missing-image': {
    level: 'error',
    unbound: 'warning',
    summary: 'the registry does not give the image',
    help: 'push it, or correct the name or the credentials',
    online: true,
  },
  'never-starts': {
    level: 'warning',
    unbound: 'note',
    summary: 'a bound unit that nothing starts',
    help: 'enable the unit, or do not bind it',
  },
  'no-platform': {
    level: 'error',
    unbound: 'warning',
    summary: 'the image does not exist for the platform of the root',
    help: 'choose or build one that does exist for it, or write `Arch=`',
    online: true,
  },
  'not-checked': {
    level: 'error',
    unbound: 'note',
    summary: 'the registry could not be asked for the image',
    help: 'run it again, or with `--offline`',
    online: true,
  },
  'nothing-bound': {
    level: 'warning',
    unbound: 'warning',
    summary: 'the root names images and binds none of them, so that none is kept for its boot',
    help: "write `Bind=yes` in the `[X-Berth]` section of its units, or `mode` in the root's berth.toml",
  },
  'short-name': {
    level: 'warning',
    unbound: 'note',
    summary: 'a name without a registry means what registries.conf makes of it',
    help: 'write the registry',
  },
  suppression: {
    level: 'error',
    unbound: 'error',
    summary: 'a LintIgnore= without a reason, or one that suppresses nothing',
    help: 'give the reason, or take the line out',
  },
  'total-size': {
    level: 'error',
    unbound: 'error',
    summary: 'the bound images are larger together than --max-size',
    help: 'bind fewer, or make them smaller',
    online: true,
  },
  'two-digests': {
    level: 'warning',
    unbound: 'note',
    summary: 'one repository is pinned to one digest here and to another there',
    help: 'use the same name everywhere',
  },
  'two-stores': {
    level: 'warning',
    unbound: 'note',
    summary: 'bootc and berth both fetch the image, each into a store of its own',
    help: 'keep one of the two links',
  },
};

export function levelOf(code: LintCode, bound: boolean): LintLevel {
  return bound ? lintRules[code].level : lintRules[code].unbound;
}

export function isOnlineRule(code: string): boolean {
  return Object.entries(lintRules).some(([name, rule]) => name === code && rule.online === true);
}
