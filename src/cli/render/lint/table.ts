import { counted } from '../../../common/counted.ts';
import { formatBytes } from '../../../common/format-bytes.ts';
import type { LintFinding } from '../../../lint/finding.ts';
import type { LintReport } from '../../../lint/lint.ts';
import type { LintLevel } from '../../../lint/rules.ts';
import { type Colour, paint } from '../table.ts';
import { countsOf } from './json.ts';

const colours: Readonly<Record<LintLevel, Colour>> = {
  error: 'red',
  warning: 'yellow',
  note: 'dim',
};

/** Two lines for each finding, as for problems, and a summary. */
export function lintTable({ findings, bytes }: LintReport): string {
  const { errors, warnings, notes, suppressed } = countsOf(findings);
  const lines = findings.filter((finding) => finding.suppressed === undefined).flatMap(linesOf);
  const size = sizeOf(bytes, findings);
  const total = `${counted(errors, 'error')}, ${counted(warnings, 'warning')}, ${counted(notes, 'note')}, ${suppressed} suppressed${size}`;
  return `${[...lines, ...(lines.length === 0 ? [] : ['']), total].join('\n')}\n`;
}

/** The findings of bound images of which no registry told the size. */
const unsized: ReadonlySet<string> = new Set(['missing-image', 'no-platform', 'not-checked']);

/** `; 35 MB bound`. */
function sizeOf(bytes: number | undefined, findings: LintReport['findings']): string {
  const isWhole = !findings.some(({ code, level }) => level !== 'note' && unsized.has(code));
  if (bytes === undefined || (bytes === 0 && !isWhole)) return '';
  return `; ${isWhole ? '' : 'at least '}${formatBytes(bytes)} bound`;
}

function linesOf({ level, code, path, line, message, hint }: LintFinding): string[] {
  const { stdout } = process;
  const place = path === undefined ? '' : ` ${path}${line === undefined ? '' : `:${line}`}`;
  const label = paint({ text: level, colour: colours[level] }, stdout);
  return [`${label} ${paint(`${code}${place}: ${message}`, stdout)}`, `  → ${paint(hint, stdout)}`];
}
