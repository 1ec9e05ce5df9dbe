import assert from 'node:assert/strict';
import test from 'node:test';
import { judge, judgeAbsent } from '../../src/lifecycle/verify.ts';
import {
  digestFor,
  engineImage,
  pinFor,
  recordImage,
  situationOf,
  stagedRecord,
} from '../support/samples.ts';

const web = recordImage('a', 'registry.example.com/web:1');
const os = stagedRecord('os', web);
const codes = (...args: Parameters<typeof judge>) => judge(...args).map(({ code }) => code);

test('a root whose images are present, pinned and named is ready', () => {
  const images = [engineImage('a', 'registry.example.com/web:1')];
  assert.deepEqual(codes(os, situationOf([os], images, [pinFor('os', web)])), []);
});

test('a root without a record is not ready', () => {
  const situation = situationOf([], [], []);
  assert.deepEqual(
    judgeAbsent('os', situation).map(({ code }) => code),
    ['not-staged'],
  );
  const [finding] = judgeAbsent('os', { ...situation, elsewhere: new Map([['os', os]]) });
  assert.match(finding?.hint ?? '', /--engine store/);
});

test('a root whose staging never ended is not ready, whatever is there', () => {
  const { staged, ...rest } = os;
  assert.ok(staged);
  const record = { ...rest, pending: staged };
  const images = [engineImage('a', 'registry.example.com/web:1')];
  assert.deepEqual(codes(record, situationOf([record], images, [pinFor('os', web)])), [
    'unfinished',
  ]);
});

test('an image that is gone is missing, though its pin is there', () => {
  assert.deepEqual(codes(os, situationOf([os], [], [pinFor('os', web)])), ['image-missing']);
});

test('another root’s pin is not this one’s', () => {
  const images = [engineImage('a', 'registry.example.com/web:1')];
  assert.deepEqual(codes(os, situationOf([os], images, [pinFor('other', web)])), ['pin-missing']);
});

test('a name that nothing has is missing', () => {
  const situation = situationOf([os], [engineImage('a')], [pinFor('os', web)]);
  assert.deepEqual(codes(os, situation), ['name-missing']);
});

test('a name that somebody moved is found out', () => {
  const images = [engineImage('a'), engineImage('b', 'registry.example.com/web:1')];
  assert.deepEqual(codes(os, situationOf([os], images, [pinFor('os', web)])), ['name-moved']);
});

test('a name that another living root means otherwise waits, and that is ready', () => {
  const other = stagedRecord('old', recordImage('b', 'registry.example.com/web:1'));
  const images = [engineImage('a'), engineImage('b', 'registry.example.com/web:1')];
  assert.deepEqual(codes(os, situationOf([os, other], images, [pinFor('os', web)])), []);
});

test('a name by digest needs an image that is known by that very digest', () => {
  const name = `registry.example.com/x@${digestFor('c')}`;
  const image = { ...web, names: [{ name, digest: digestFor('c'), references: [] }] };
  const record = stagedRecord('os', image);
  const pins = [pinFor('os', image)];
  assert.deepEqual(codes(record, situationOf([record], [engineImage('a')], pins)), [
    'digest-missing',
  ]);
  const known = { ...engineImage('a'), digests: [name] };
  assert.deepEqual(codes(record, situationOf([record], [known], pins)), []);
});

test('a problem on record keeps the root from being ready', () => {
  const problem = { code: 'pull-always', path: '/x.image', line: 2, message: 'm', hint: 'h' };
  assert.ok(os.staged);
  const record = { ...os, staged: { ...os.staged, problems: [problem] } };
  const images = [engineImage('a', 'registry.example.com/web:1')];
  const findings = judge(record, situationOf([record], images, [pinFor('os', web)]));
  assert.deepEqual(
    findings.map(({ code, message }) => [code, message]),
    [['problem', '/x.image:2: m']],
  );
});
