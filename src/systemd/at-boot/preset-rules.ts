import { problemOf } from '../../root/problem-of.ts';
import { type Root, RootError } from '../../root/root.ts';
import { confFiles, confText } from '../conf-files.ts';
import type { Etc } from '../etc.ts';
import { nameMatcher } from '../glob.ts';
import type { Problem } from '../problem.ts';
import { isUnitName } from '../unit-alias.ts';
import { parseUnitName, withInstance } from '../unit-name.ts';

/** A line of a preset file: what happens to the units that a pattern matches. */
export interface PresetRule {
  readonly action: 'enable' | 'disable' | 'ignore';
  /** A unit's name with wildcards. */
  readonly pattern: string;
  /** The instances of the template `pattern` that are enabled. */
  readonly instances: readonly string[];
  readonly path: string;
  readonly line: number;
}

/** More rules than any distribution has: each pattern is compared with each unit. */
const maxRules = 10_000;

interface PresetRules {
  /** Absent if the root has no preset file. */
  readonly rules?: readonly PresetRule[];
  readonly problems: readonly Problem[];
}

/**
 * The steps of all comparisons together. A pattern with many `*` takes as many steps as the product of
 * its length and that of the name; 10,000 units and 100 patterns need a tenth of it.
 */
const maxWork = 2_000_000_000;

/**
 * Reads the presets for the units of the system, in the order in which they count.
 *
 * Source: systemd.preset(5); systemd, src/shared/install.c, `read_presets`.
 */
export function readPresetRules(root: Root, etc: Etc): PresetRules {
  const rules: PresetRule[] = [];
  try {
    const paths = confFiles(root, etc, 'systemd/system-preset', '.preset');
    if (paths.length === 0) return { problems: [] };
    for (const path of paths) {
      const lines = confText(root, etc, path).split('\n');
      for (const [index, text] of lines.entries()) {
        const rule = parseRule(text.trim());
        if (rule === undefined) continue;
        if (rules.length >= maxRules) return { rules, problems: [tooMany(path)] };
        rules.push({ ...rule, path, line: index + 1 });
      }
    }
    return { rules, problems: [] };
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    return { problems: [problemOf(error)] };
  }
}

/** @returns undefined for a comment, and for a line that systemd ignores. */
function parseRule(line: string): Pick<PresetRule, 'action' | 'pattern' | 'instances'> | undefined {
  const [, action, pattern = '', rest = ''] =
    /^(enable|disable|ignore)[ \t]+(\S+)[ \t]*(.*)$/s.exec(line) ?? [];
  // Names of units have 255 characters at most.
  if (pattern.length > 255) return undefined;
  if (action === 'disable' || action === 'ignore') {
    return rest === '' ? { action, pattern, instances: [] } : undefined;
  }
  if (action !== 'enable') return undefined;
  const instances = rest === '' ? [] : rest.split(/[ \t]+/);
  const isTemplate = isUnitName(pattern) && parseUnitName(pattern).instance === '';
  return instances.length > 0 && !isTemplate ? undefined : { action, pattern, instances };
}

/** A unit that presets enable, by the rule that says so; absent if no rule matches. */
export interface Enabled {
  readonly name: string;
  readonly rule?: PresetRule;
}

/**
 * A function that tells what presets enable of a unit file: the unit itself, or instances of a
 * template. The first rule that matches counts; a unit that no rule matches is enabled.
 *
 * Source: systemd, src/shared/install.c, `query_presets`.
 */
export function presetsOf(
  rules: readonly PresetRule[],
): (name: string) => readonly Enabled[] | 'too-much' {
  const matchers = rules.map((rule) => ({ rule, matches: matcherOf(rule) }));
  let work = 0;
  return (name) => {
    const parsed = parseUnitName(name);
    for (const { rule, matches } of matchers) {
      work += rule.pattern.includes('*') ? name.length * rule.pattern.length : 1;
      if (work > maxWork) return 'too-much';
      const ofTemplate = rule.instances.length > 0 ? withInstance(parsed, '').full : '';
      if (rule.pattern === ofTemplate && parsed.instance === '') {
        return rule.instances.map((instance) => ({
          name: withInstance(parsed, instance).full,
          rule,
        }));
      }
      const isInstance =
        rule.pattern === ofTemplate && rule.instances.includes(parsed.instance ?? '');
      if (!isInstance && !matches(name)) continue;
      return rule.action === 'enable' ? [{ name, rule }] : [];
    }
    return [{ name }];
  };
}

function matcherOf({ pattern }: PresetRule): (name: string) => boolean {
  if (!/[*?[]/.test(pattern)) return (name) => name === pattern;
  // A backslash is no escape here (`FNM_NOESCAPE`).
  return nameMatcher(pattern.replaceAll('\\', '\\\\'));
}

function tooMany(path: string): Problem {
  return {
    code: 'too-many-entries',
    path,
    message: `expected at most ${maxRules} preset rules, found more`,
    hint: 'merge them: units that the later rules enable are not known to start',
  };
}
