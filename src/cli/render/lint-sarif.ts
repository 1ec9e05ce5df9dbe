import { nameToBytes } from '../../common/path-bytes.ts';
import { shown } from '../../common/shown.ts';
import { version } from '../../common/version.ts';
import type { LintFinding } from '../../lint/finding.ts';
import type { LintReport } from '../../lint/lint.ts';
import { lintRules } from '../../lint/rules.ts';

/** Findings as SARIF 2.1.0 (OASIS), the format of code scanning. Paths are relative to the root. */
export function lintSarif({ findings, skipped }: LintReport) {
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
          ...locationsOf(finding),
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
  const own = Object.entries(lintRules).map(([id, { summary, level }]) => ({
    id,
    shortDescription: { text: summary },
    defaultConfiguration: { level },
  }));
  const known = new Set(own.map(({ id }) => id));
  const others = new Set(findings.map(({ code }) => code).filter((code) => !known.has(code)));
  return [
    ...own,
    ...[...others].sort().map((id) => ({
      id,
      shortDescription: { text: `the problem ${id} of berth’s docs/problems.md` },
      defaultConfiguration: { level: 'error' as const },
    })),
  ];
}

function locationsOf({ path, line }: LintFinding) {
  if (path === undefined) return {};
  const artifactLocation = { uri: uriOf(path), uriBaseId: 'ROOT' };
  const region = line === undefined ? {} : { region: { startLine: line } };
  return { locations: [{ physicalLocation: { artifactLocation, ...region } }] };
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
