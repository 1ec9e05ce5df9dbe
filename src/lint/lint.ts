import { damagedArchives } from '../binding/archives.ts';
import { bindingsOf } from '../binding/bindings.ts';
import type { Survey } from '../binding/survey.ts';
import type { Context } from '../lifecycle/context.ts';
import type { Registry } from '../registry/registry.ts';
import type { Root } from '../root/root.ts';
import { boundFindings } from './bound.ts';
import type { LintFinding } from './finding.ts';
import { namesFindings } from './names.ts';
import { problemFindings } from './problems.ts';
import { type Asked, askRegistries, sizeFindings } from './registries.ts';
import { type LintLevel, lintRules } from './rules.ts';
import { startFindings } from './starts.ts';
import { storeFindings } from './stores.ts';
import { suppress } from './suppress.ts';

export interface LintOptions {
  /** If absent, the rules that need a registry are skipped. */
  readonly registry?: Registry;
  /** The largest allowed total size of the bound images, compressed, in bytes. */
  readonly maxSize?: number;
}

export interface LintReport {
  /** All findings, suppressed ones included, with the most severe first. */
  readonly findings: readonly LintFinding[];
  /** The rules that were skipped because they need a registry. */
  readonly skipped: readonly string[];
  /** The total size of the bound images, compressed; absent if no registry was asked. */
  readonly bytes?: number;
}

/**
 * Finds everything that should be corrected before the root ships. The root must be open.
 *
 * @param context for progress reports and the signal that stops the work.
 */
export async function lint(
  context: Pick<Context, 'report' | 'signal'>,
  survey: Survey,
  root: Root,
  { registry, maxSize }: LintOptions,
): Promise<LintReport> {
  const bound = bindingsOf(survey, root, 'bound');
  const all = bindingsOf(survey, root, 'all');
  const asked: Asked =
    registry === undefined
      ? { images: new Map(), findings: [] }
      : await askRegistries(context, registry, survey, all.bindings);
  const size =
    registry === undefined ? { findings: [] } : sizeFindings(asked, bound.bindings, maxSize);
  const damaged = await damagedArchives(root, survey.references);
  const ofArchives = damaged.map(({ reference, problem }) => ({
    ...problem,
    bound: reference.decision.bound,
  }));
  const found = [
    ...problemFindings(
      survey,
      [...bound.problems, ...ofArchives.filter((problem) => problem.bound)],
      [...all.problems, ...ofArchives],
    ),
    ...asked.findings,
    ...size.findings,
    ...namesFindings(survey, asked.images),
    ...boundFindings(survey),
    ...startFindings(survey),
    ...storeFindings(survey),
  ];
  const findings = suppress(found, survey.references, registry !== undefined);
  return {
    findings: findings.toSorted(byWeight),
    skipped: registry === undefined ? skippedRules(maxSize) : [],
    ...('bytes' in size ? { bytes: size.bytes } : {}),
  };
}

/** The rules that were skipped. `not-checked` is left out, because the list itself says the same. */
function skippedRules(maxSize: number | undefined): string[] {
  return Object.entries(lintRules)
    .filter(([code, rule]) => rule.online === true && code !== 'not-checked')
    .map(([code]) => code)
    .filter((code) => code !== 'total-size' || maxSize !== undefined);
}

const weights: readonly LintLevel[] = ['error', 'warning', 'note'];

function byWeight(a: LintFinding, b: LintFinding): number {
  return (
    weights.indexOf(a.level) - weights.indexOf(b.level) ||
    compare(a.path ?? '', b.path ?? '') ||
    (a.line ?? 0) - (b.line ?? 0) ||
    compare(a.code, b.code)
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
