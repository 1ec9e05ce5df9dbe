import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { lintSarif } from '../../src/cli/render/lint/sarif.ts';
import type { LintFinding } from '../../src/lint/finding.ts';
import { temporaryDirectory } from '../support/temporary.ts';

// The schema is that of OASIS: sarif-schema-2.1.0.json of its repository oasis-tcs/sarif-spec, without spaces.
const schema = join(import.meta.dirname, 'sarif-2.1.0.schema.json');
const validator = '/usr/bin/jsonschema';

const findings: readonly LintFinding[] = [
  { code: 'total-size', level: 'error', message: 'too large', hint: 'bind fewer' },
  {
    code: 'floating-tag',
    level: 'warning',
    message: 'a tag',
    hint: 'lock it',
    path: '/a b%é.container',
    line: 3,
  },
  {
    code: 'specifier',
    level: 'error',
    message: 'unknown',
    hint: 'write it out',
    path: '/usr/x.container',
  },
  {
    code: 'short-name',
    level: 'note',
    message: 'short',
    hint: 'a registry',
    path: '/x',
    suppressed: 'so',
  },
];

test('reports are valid SARIF, and each result has a place, which GitHub wants', {
  skip: existsSync(validator) ? false : 'needs python3-jsonschema',
}, (t) => {
  for (const report of [
    { findings, skipped: ['no-platform'] },
    { findings: [], skipped: [] },
  ]) {
    const sarif = lintSarif(report, 'os/usr/lib/berth/berth.toml');
    const file = join(temporaryDirectory(t), 'report.sarif');
    writeFileSync(file, JSON.stringify(sarif));
    execFileSync(validator, ['--instance', file, schema], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const { locations } of sarif.runs[0]?.results ?? []) {
      assert.notEqual(locations[0]?.physicalLocation.artifactLocation.uri, '');
      assert.ok((locations[0]?.physicalLocation.region.startLine ?? 0) > 0);
    }
  }
  const uris = lintSarif({ findings, skipped: [] }, 'whole.toml').runs[0]?.results.map(
    ({ locations: [place] }) => place?.physicalLocation.artifactLocation.uri,
  );
  assert.deepEqual(uris, ['whole.toml', 'a%20b%25%C3%A9.container', 'usr/x.container', 'x']);
});
