import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseOsRelease } from '../../src/systemd/os-release.ts';
import { expandSpecifiers, type UserOfUnits } from '../../src/systemd/specifiers.ts';
import { parseUnitName } from '../../src/systemd/unit-name.ts';
import { holds } from '../support/property.ts';

const osRelease = parseOsRelease(
  [
    '# an OS',
    'ID=acme',
    'VERSION_ID="4.2"',
    "VARIANT_ID='edge'",
    'IMAGE_VERSION="4.2-\\"7\\""',
    'BUILD_ID=old',
    'BUILD_ID=new',
    '  IMAGE_ID=acme-os  ',
  ].join('\n'),
);

function expand(text: string, unit = 'app-web@a\\x2db-c.service'): string | undefined {
  const context = { unit: parseUnitName(unit), architecture: 'arm64', osRelease };
  const expanded = expandSpecifiers(text, context);
  return expanded.ok ? expanded.text : undefined;
}

test("specifiers from the root's own os-release", () => {
  assert.equal(expand('%o %w %W %A %B %M'), 'acme 4.2 edge 4.2-"7" new acme-os');
});

test('an unset field is empty, but a root without os-release is a problem', () => {
  const unit = parseUnitName('a.service');
  const empty = expandSpecifiers('x%Ay', { unit, architecture: 'x86', osRelease: new Map() });
  assert.deepEqual(empty, { ok: true, text: 'xy' });
  const none = expandSpecifiers('%A', { unit, architecture: 'x86', osRelease: undefined });
  assert.ok(!none.ok);
  assert.match(none.message, /IMAGE_VERSION=.*no os-release/);
});

test("specifiers from the unit's name", () => {
  assert.equal(expand('%n'), 'app-web@a\\x2db-c.service');
  assert.equal(expand('%N %p %j %i'), 'app-web@a\\x2db-c app-web web a\\x2db-c');
  assert.equal(expand('%I %P %J %f'), 'a-b/c app/web web /a-b/c');
  assert.equal(expand('%i|%I|%p|%f', 'x-y.service'), '||x-y|/x/y');
});

test('the given architecture, and the directories of the system', () => {
  assert.equal(expand('%a'), 'arm64');
  assert.equal(
    expand('%t %S %C %L %E %T %V %h %u %U %g %G'),
    '/run /var/lib /var/cache /var/log /etc /tmp /var/tmp /root root 0 root 0',
  );
});

test('%% is a percent sign, and unknown specifiers stay as they are', () => {
  assert.equal(expand('100%%i'), '100%i');
  assert.equal(expand('%z %'), '%z %');
});

test('a specifier that only the booted host knows is reported', () => {
  for (const letter of 'bdHlmqsvyY') {
    const context = { unit: parseUnitName('a.service'), architecture: 'x86', osRelease };
    const expanded = expandSpecifiers(`q.io/a:%${letter}`, context);
    assert.ok(!expanded.ok, letter);
    assert.match(expanded.message, new RegExp(`%${letter}`));
  }
});

test('a template by itself has no instance', () => {
  assert.equal(expand('%i', 'app@.service'), undefined);
  assert.equal(expand('%p', 'app@.service'), 'app');
});

test('a wrongly escaped name is a problem where it is unescaped', () => {
  assert.equal(expand('%i', 'app@\\q.service'), '\\q');
  assert.equal(expand('%I', 'app@\\q.service'), undefined);
});

test('text without a percent sign stays as it is', async () => {
  await holds(
    300,
    fc.property(fc.string(), (text) => {
      const plain = text.replaceAll('%', '');
      return expand(plain) === plain && expand(text.replaceAll('%', '%%')) === text;
    }),
  );
});

test("a user's manager has its directories below the user's home", () => {
  const user = { uid: 7, gid: 8, name: 'eve', home: '/h' };
  const unit = parseUnitName('a.service');
  const expandFor = (text: string, whose: UserOfUnits) => {
    const expanded = expandSpecifiers(text, { unit, architecture: 'x', osRelease, user: whose });
    return expanded.ok ? expanded.text : undefined;
  };
  assert.equal(
    expandFor('%t %S %C %L %E %T %V %h %u %U %G %n', user),
    '/run/user/7 /h/.local/state /h/.cache /h/.local/state/log /h/.config /tmp /var/tmp /h eve 7 8 a.service',
  );
  assert.equal(expandFor('%t', { uid: 7 }), '/run/user/7');
  for (const letter of 'SCLEhugG') assert.equal(expandFor(`%${letter}`, { uid: 7 }), undefined);
  for (const letter of 'tU') assert.equal(expandFor(`%${letter}`, {}), undefined);
  assert.equal(expandFor('%g', user), undefined);
});
