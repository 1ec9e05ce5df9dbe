import { type Command, InvalidArgumentError, Option } from 'commander';
import { survey } from '../../binding/survey.ts';
import { parseSize } from '../../common/parse-size.ts';
import { trimmedEnd } from '../../common/text/trimmed-end.ts';
import { type LintReport, lint } from '../../lint/lint.ts';
import type { LintLevel } from '../../lint/rules.ts';
import { type RootOptions, withRootOptions } from '../options.ts';
import { jsonText } from '../output.ts';
import { exitCodes } from '../render/failure.ts';
import { lintGithub } from '../render/lint/github.ts';
import { lintJson } from '../render/lint/json.ts';
import { lintSarif } from '../render/lint/sarif.ts';
import { lintTable } from '../render/lint/table.ts';
import { reading, withHost } from '../with-host.ts';

const formats = ['table', 'json', 'sarif', 'github'] as const;

interface LintOptions extends Omit<RootOptions, 'format'> {
  readonly format: (typeof formats)[number];
  readonly offline?: boolean;
  readonly maxSize?: number;
  readonly failOn: LintLevel;
  readonly pathPrefix?: string;
}

/** `berth lint`: advice for people who build roots. Needs no engine. */
export function defineLint(command: Command): void {
  withRootOptions(
    command
      .description(
        'Report faults of ROOT that should be corrected before it ships. A unit suppresses a rule ' +
          'with LintIgnore=CODE REASON in [X-Berth]. Exit code: 1 with an error among the ' +
          'findings; 5 if all errors are unreachable registries; else 0. --fail-on changes what ' +
          'counts as an error.',
      )
      .option('--offline', 'skip the rules that ask registries')
      .addOption(
        new Option('--fail-on <level>', 'the least level of findings that ends with 1')
          .choices(levels)
          .default('error'),
      )
      .option(
        '--path-prefix <path>',
        'goes before each path, as where ROOT lies in the repository: for annotations there',
        prefixOf,
      )
      .option('--max-size <size>', 'of the bound images together: 500MB, 2GB, 2GiB', sizeOf),
    formats,
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth lint ./rootfs\n  berth lint --offline --format sarif ./rootfs > berth.sarif\n' +
        '  berth lint --format github --path-prefix rootfs --fail-on warning ./rootfs',
    )
    .action(async (spec: string | undefined, options: LintOptions) => {
      await withHost(options, async (host) => {
        const { location, report } = await reading(host, spec, async (root) => {
          const { compose } = await host.config();
          const found = await survey(root, { bind: options.bind, compose });
          const { registry } = host;
          const report = await lint(host, found, root, {
            ...(options.offline === true ? {} : { registry }),
            ...(options.maxSize === undefined ? {} : { maxSize: options.maxSize }),
          });
          return { location: root.location, report };
        });
        for (const text of textOf(options, location, withPrefix(report, options.pathPrefix)))
          process.stdout.write(text);
        if (report.skipped.length > 0) {
          process.stderr.write(`Skipped with --offline: ${report.skipped.join(', ')}.\n`);
        }
        process.exitCode = exitCodeOf(report, options.failOn);
      });
    });
}

function textOf(
  { format, pathPrefix = '' }: LintOptions,
  location: string,
  report: LintReport,
): Iterable<string> {
  switch (format) {
    case 'table':
      return [lintTable(report)];
    case 'json':
      return jsonText(lintJson(location, report));
    case 'sarif':
      return jsonText(lintSarif(report, `${pathPrefix}/usr/lib/berth/berth.toml`));
    case 'github':
      return [lintGithub(report)];
  }
}

const levels: readonly LintLevel[] = ['error', 'warning', 'note'];

function exitCodeOf({ findings }: LintReport, failOn: LintLevel): number {
  const counts = new Set(levels.slice(0, levels.indexOf(failOn) + 1));
  const errors = findings.filter((f) => counts.has(f.level) && f.suppressed === undefined);
  if (errors.length === 0) return 0;
  const isReachable = errors.some(({ code }) => code !== 'not-checked');
  return isReachable ? exitCodes.failed : exitCodes.unreachable;
}

/** The path of ROOT in the repository, without `./` before it and slashes behind it. */
function prefixOf(text: string): string {
  return trimmedEnd(text.replace(/^(?:\.\/+)+/, ''), '/');
}

function withPrefix(report: LintReport, prefix = ''): LintReport {
  if (prefix === '') return report;
  const findings = report.findings.map((finding) =>
    finding.path === undefined ? finding : { ...finding, path: `${prefix}${finding.path}` },
  );
  return { ...report, findings };
}

function sizeOf(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined)
    throw new InvalidArgumentError('Expected a size, as 500MB, 2GB or 2GiB.');
  return bytes;
}
