import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { survey } from '../../../src/binding/survey.ts';
import { rootOf } from '../../support/tree.ts';
import { type ReportedCase, targets } from './case.ts';
import { composeCases } from './compose-cases.ts';
import { kubernetesCases } from './kubernetes-cases.ts';
import { quadletCases } from './quadlet-cases.ts';
import { serviceCases } from './service-cases.ts';
import { systemdCases } from './systemd-cases.ts';

const compose = ['/etc/compose/*', '/opt/*', '/srv/*', '/usr/local/etc/compose/manifests/*'];

async function found(t: TestContext, { tree }: ReportedCase) {
  const root = rootOf(t, { ...targets, ...tree });
  const { references, problems } = await survey(root, { bind: 'all', compose });
  return {
    images: references.map(({ unit, image = '-', activation, engine, pull }) =>
      [unit, image, activation, engine ?? '-', ...(pull.authFile ? [pull.authFile] : [])].join(' '),
    ),
    problems: problems.map(({ code, path, line }) => `${code} ${path}${line ? `:${line}` : ''}`),
  };
}

const cases = [quadletCases, systemdCases, serviceCases, composeCases, kubernetesCases].flat();

for (const one of cases) {
  test(`${one.source}: ${one.name}`, async (t) => {
    const { images, problems } = one;
    assert.deepEqual(await found(t, one), { images, problems });
  });
}
