import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { holds, isOver } from '../../support/property.ts';
import { newestSkopeo, skopeoOf } from '../../support/skopeo.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { compare } from './compare.ts';
import { listedRefusal } from './judge.ts';
import { often } from './often.ts';
import { scenarioWith } from './plain.ts';
import { refusals } from './refusals.ts';
import { REGISTRIES_A_RUN, scenarios } from './scenario.ts';

const skip = process.env['BERTH_SKIP_PEERS'] === '1' ? 'BERTH_SKIP_PEERS=1' : false;

test('what skopeo gets from an odd registry berth gets, byte for byte', { skip }, async (t) => {
  const versions = { forky: newestSkopeo(), trixie: skopeoOf('trixie') };
  const directory = join(temporaryDirectory(t), 'run');
  const counts = { taken: 0, failed: 0, continued: 0 };
  await holds(
    REGISTRIES_A_RUN,
    fc.asyncProperty(
      scenarios,
      often('forky', fc.constant('trixie'), 3),
      async (scenario, suite) => {
        const found = await compare(versions[suite], scenario, directory);
        counts[found.skopeo.manifest === undefined ? 'failed' : 'taken']++;
        if (found.isContinued) counts.continued++;
        rmSync(directory, { recursive: true });
      },
    ),
  );
  // If nearly all registries were too odd for skopeo, or none, the comparison would show little.
  const { taken, failed, continued } = counts;
  assert.ok(isOver() || (taken > failed / 2 && failed > taken / 10), JSON.stringify(counts));
  assert.ok(isOver() || continued > 0, 'some downloads went on where they had broken off');
});

for (const refusal of refusals) {
  test(`skopeo takes, and berth refuses: ${refusal.refused}`, { skip }, async (t) => {
    const scenario = scenarioWith(refusal.example);
    const { skopeo, berth } = await compare(newestSkopeo(), scenario, temporaryDirectory(t));
    assert.notEqual(skopeo.manifest, undefined, skopeo.said);
    assert.equal(berth.manifest, undefined);
    assert.equal(listedRefusal(scenario, berth), refusal, berth.said);
  });
}

test('what berth refuses although skopeo takes it is in docs/registries.md', () => {
  const path = resolve(import.meta.dirname, '../../../docs/registries.md');
  const [, table = ''] = readFileSync(path, 'utf8').split('\n| refused | reason |\n|---|---|\n');
  const rows = table.split('\n\n')[0]?.trim().split('\n');
  assert.deepEqual(
    rows,
    refusals.map(({ refused, reason }) => `| ${refused} | ${reason} |`),
  );
});
