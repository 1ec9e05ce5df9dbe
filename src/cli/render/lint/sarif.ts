import { nameToBytes } from '../../../common/path-bytes.ts';
import { shown } from '../../../common/shown.ts';
import { version } from '../../../common/version.ts';
import type { LintFinding } from '../../../lint/finding.ts';
import type { LintReport } from '../../../lint/lint.ts';
import { lintRules } from '../../../lint/rules.ts';

/**
 * Findings as SARIF 2.1.0 (OASIS), the format of code scanning.
 *
 * @param whole the file that stands for what concerns the whole root: GitHub refuses results without a place.
 */
export function lintSarif({ findings, skipped }: LintReport, whole: string) {
  const rules = rulesOf(findings);
  const indexes = new Map(rules.map(({ id }, index) => [id, index]));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'berth', version, rules } },
        originalUriBaseIds: { ROOT: { description: { text: 'The root that was looked at.' } } },
        columnKind: 'utf16CodeUnits',
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: skipped.map((code) => ({
              level: 'note',
              message: { text: `The rule ${code} was skipped with --offline.` },
            })),
          },
        ],
        results: findings.map((finding) => ({
          ruleId: finding.code,
          ruleIndex: indexes.get(finding.code) ?? -1,
          level: finding.level,
          message: { text: shown(`${finding.message}; ${finding.hint}`) },
          locations: [placeOf(finding, whole)],
          ...(finding.suppressed === undefined
            ? {}
            : {
                suppressions: [{ kind: 'inSource', justification: shown(finding.suppressed) }],
              }),
        })),
      },
    ],
  };
}

/** Lint's own rules, and the codes of docs/problems.md that occur in the findings. */
function rulesOf(findings: readonly LintFinding[]) {
  const own = Object.entries(lintRules).map(([id, { summary, help, level }]) => ({
    id,
    shortDescription: { text: summary },
    help: helpOf(help),
    defaultConfiguration: { level },
  }));
  const known = new Set(own.map(({ id }) => id));
  const others = Map.groupBy(findings, ({ code }) => code);
  for (const id of known) others.delete(id);
  return [
    ...own,
    ...[...others].sort(byId).map(([id, [first]]) => ({
      id,
      shortDescription: { text: `the problem ${id} of berth’s docs/problems.md` },
      help: helpOf(first?.hint ?? ''),
      defaultConfiguration: { level: 'error' as const },
    })),
  ];
}

function byId([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number {
  return a < b ? -1 : 1;
}

/** GitHub shows the Markdown. */
function helpOf(text: string) {
  return { text: shown(text), markdown: shown(text) };
}

function placeOf({ path = '', line = 1 }: LintFinding, whole: string) {
  const artifactLocation = { uri: uriOf(path === '' ? whole : path), uriBaseId: 'ROOT' };
  return { physicalLocation: { artifactLocation, region: { startLine: line } } };
}

/** Percent-encodes every byte but the slash and the unreserved characters of RFC 3986. */
function uriOf(path: string): string {
  return [...nameToBytes(path.replace(/^\/+/, ''))]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      if (/[\w.~/-]/.test(character)) return character;
      return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
