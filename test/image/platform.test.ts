import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import fc from 'fast-check';
import { isDigest, sha256 } from '../../src/image/digest.ts';
import {
  choosePlatform,
  formatPlatform,
  hostPlatform,
  normalisePlatform,
  parsePlatform,
  systemdArchitecture,
} from '../../src/image/platform.ts';
import { holds } from '../support/property.ts';

const parse = (text: string) => {
  const platform = parsePlatform(text);
  assert.ok(platform, text);
  return platform;
};

test('platforms have one spelling', () => {
  const cases: Readonly<Record<string, string>> = {
    'linux/amd64': 'linux/amd64',
    'linux/x86_64': 'linux/amd64',
    'Linux/X86-64': 'linux/amd64',
    'linux/amd64/v1': 'linux/amd64',
    'linux/amd64/v3': 'linux/amd64/v3',
    'linux/aarch64': 'linux/arm64',
    'linux/arm64/v8': 'linux/arm64',
    'linux/arm64/8': 'linux/arm64',
    'linux/arm/7': 'linux/arm/v7',
    'linux/arm': 'linux/arm',
    'linux/armhf': 'linux/arm/v7',
    'linux/armel': 'linux/arm/v6',
    'linux/i386': 'linux/386',
    'linux/constructor': 'linux/constructor',
  };
  for (const [text, one] of Object.entries(cases)) assert.equal(formatPlatform(parse(text)), one);
});

test('texts that are no platform are refused', () => {
  for (const text of [
    '',
    'linux',
    'linux/',
    '/amd64',
    'a/b/c/d',
    'linux/am d64',
    'linux/amd64\n',
  ]) {
    assert.equal(parsePlatform(text), undefined, text);
  }
});

test('a normalised platform stays as it is', async () => {
  const word = fc.stringMatching(/^[\w.-]{1,10}$/);
  await holds(
    1000,
    fc.property(word, word, fc.option(word, { nil: undefined }), (os, architecture, variant) => {
      const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
      const once = normalisePlatform(platform);
      assert.deepEqual(normalisePlatform(once), once);
      assert.deepEqual(parse(formatPlatform(once)), once);
    }),
  );
});

test('the host’s platform is the kernel’s', () => {
  const machine = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim();
  assert.equal(hostPlatform().os, 'linux');
  assert.equal(hostPlatform().architecture, parse(`linux/${machine}`).architecture);
});

test('an index gives the entry that fits best', () => {
  const entries = (...texts: string[]) =>
    texts.map((text) => {
      const [os = '', architecture = '', variant] = text.split('/');
      return { platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } };
    });
  const choose = (wanted: string, ...texts: string[]) => {
    const chosen = choosePlatform(entries(...texts), parse(wanted));
    return chosen === undefined ? undefined : formatPlatform(chosen.platform);
  };
  assert.equal(choose('linux/amd64', 'linux/arm64', 'linux/amd64'), 'linux/amd64');
  assert.equal(choose('linux/amd64', 'windows/amd64', 'linux/arm64'), undefined);
  assert.equal(choose('linux/arm64', 'linux/arm64/v8'), 'linux/arm64/v8');
  assert.equal(choose('linux/arm64', 'linux/arm64'), 'linux/arm64');
  assert.equal(choose('linux/arm/v7', 'linux/arm/v5', 'linux/arm/v6'), 'linux/arm/v6');
  assert.equal(choose('linux/arm/v7', 'linux/arm/v6', 'linux/arm/v7'), 'linux/arm/v7');
  assert.equal(choose('linux/arm/v6', 'linux/arm/v7'), undefined);
  assert.equal(choose('linux/arm/v6', 'linux/arm/v7', 'linux/arm'), 'linux/arm');
  assert.equal(choose('linux/arm', 'linux/arm/v6', 'linux/arm/v7'), 'linux/arm/v7');
  assert.equal(choose('linux/amd64/v3', 'linux/amd64/v2', 'linux/amd64'), 'linux/amd64');
  assert.equal(choose('linux/amd64', 'unknown/unknown'), undefined);
});

test('an entry without a platform is used if no other fits', () => {
  const [bare, other] = [{}, { platform: { os: 'linux', architecture: 'arm64' } }];
  assert.equal(choosePlatform([bare, other], parse('linux/arm64')), other);
  assert.equal(choosePlatform([other, bare], parse('linux/amd64')), bare);
});

test('systemd has names of its own', () => {
  const name = (text: string) => systemdArchitecture(parse(text));
  assert.deepEqual(
    ['amd64', '386', 'arm64', 'arm', 'ppc64le', 's390x', 'riscv64', 'loong64'].map((architecture) =>
      name(`linux/${architecture}`),
    ),
    ['x86-64', 'x86', 'arm64', 'arm', 'ppc64-le', 's390x', 'riscv64', 'loongarch64'],
  );
});

test('a digest is sha256 in lower case', () => {
  const digest = sha256(Buffer.from('hello\n'));
  assert.equal(digest, 'sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03');
  assert.ok(isDigest(digest));
  for (const text of [
    digest.toUpperCase(),
    digest.slice(1),
    `${digest}\n`,
    `${digest}0`,
    'sha256:',
  ]) {
    assert.ok(!isDigest(text), text);
  }
});
