import { shown } from '../../../common/shown.ts';
import type { LintReport } from '../../../lint/lint.ts';

const commands = { error: 'error', warning: 'warning', note: 'notice' } as const;

/**
 * Findings as workflow commands, which GitHub shows beside the lines that they name.
 *
 * Source: GitHub's "Workflow commands for GitHub Actions"; the escapes are those of its
 * actions/toolkit, packages/core/src/command.ts.
 */
export function lintGithub({ findings }: LintReport): string {
  return findings
    .filter(({ suppressed }) => suppressed === undefined)
    .map(({ level, code, path, line, message, hint }) => {
      const properties = [
        ...(path === undefined ? [] : [`file=${property(path.replace(/^\//, ''))}`]),
        ...(line === undefined ? [] : [`line=${line}`]),
        `title=${property(code)}`,
      ];
      return `::${commands[level]} ${properties.join(',')}::${data(`${message}; ${hint}`)}\n`;
    })
    .join('');
}

/** Escapes line breaks too, although `shown` has removed them: this function must be safe alone. */
function data(text: string): string {
  return shown(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
