import assert from 'node:assert/strict';
import test from 'node:test';
import { Secret } from '../../../src/common/secret.ts';
import { askedOnce } from '../../../src/lifecycle/plan/asked-once.ts';
import type { Access } from '../../../src/registry/access.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import { noNetwork } from '../../support/first-boot.ts';

const NAME = 'registry.example.com/web:1';
const amd64 = { os: 'linux', architecture: 'amd64' };
const arm64 = { os: 'linux', architecture: 'arm64' };

const withPassword = (password: string): Access => ({
  credentials: { kind: 'basic', username: 'robot', password: new Secret(password) },
});

/** Counts how often a name is asked for. */
function counting() {
  const asked: string[] = [];
  const registry: Registry = {
    ...noNetwork,
    resolve: async (name) => {
      asked.push(name);
      throw new Error('nobody is there');
    },
  };
  return { asked, registry: askedOnce(registry) };
}

type Question = Parameters<Registry['resolve']>;

const cases: readonly (readonly [what: string, questions: readonly Question[], count: number])[] = [
  [
    'the same name twice',
    [
      [NAME, amd64, {}],
      [NAME, amd64, {}],
    ],
    1,
  ],
  [
    'TLS that is verified, said or not',
    [
      [NAME, amd64, {}],
      [NAME, amd64, { tlsVerify: true }],
    ],
    1,
  ],
  [
    'TLS that is verified, and not',
    [
      [NAME, amd64, {}],
      [NAME, amd64, { tlsVerify: false }],
    ],
    2,
  ],
  [
    'two platforms',
    [
      [NAME, amd64, {}],
      [NAME, arm64, {}],
    ],
    2,
  ],
  [
    'two names',
    [
      [NAME, amd64, {}],
      [`${NAME}2`, amd64, {}],
    ],
    2,
  ],
  [
    'credentials that may differ',
    [
      [NAME, amd64, withPassword('a')],
      [NAME, amd64, withPassword('b')],
      [NAME, amd64, {}],
    ],
    3,
  ],
];

for (const [what, questions, count] of cases) {
  test(`questions to a registry: ${what}`, async () => {
    const { asked, registry } = counting();
    for (const question of questions) {
      await assert.rejects(registry.resolve(...question), /nobody/, 'a failure is shared as well');
    }
    assert.equal(asked.length, count);
  });
}
