import assert from 'node:assert/strict';
import test from 'node:test';
import {
  allConcealed,
  beginConcealing,
  conceal,
  concealAll,
  concealedIn,
  concealValue,
  cutShort,
  withoutConcealed,
} from '../../src/common/concealed.ts';

test('a concealed text is replaced, also where a message quotes it or would cut it', () => {
  const run = beginConcealing();
  conceal('top"secret', '${TAG}');
  assert.equal(withoutConcealed('a top"secret b'), 'a ${TAG} b');
  assert.equal(withoutConcealed(JSON.stringify('top"secret')), '"${TAG}"');
  assert.equal(cutShort('see top"secret', 8), 'see ${TA…');
  run.end();
});

test('the parts of a value are concealed as words, the value everywhere', () => {
  const run = beginConcealing();
  concealValue('registry.example/hidden:tagged');
  assert.equal(withoutConcealed('hidden, unhidden'), '***, unhidden');
  assert.equal(withoutConcealed('xregistry.example/hidden:taggedx'), 'x***x');
  assert.deepEqual(concealedIn('a hidden b'), [{ text: 'hidden', shown: '***' }]);
  run.end();
});

test('what a run conceals is forgotten with it, and kept while a run beside it goes on', () => {
  const first = beginConcealing();
  conceal('of-the-first');
  const second = beginConcealing();
  concealValue('of-both');
  first.end();
  assert.equal(withoutConcealed('of-the-first, of-both'), 'of-the-first, ***');
  const third = beginConcealing();
  second.end();
  assert.equal(withoutConcealed('of-both'), 'of-both', 'the third run has not concealed it');
  conceal('said-again');
  const fourth = beginConcealing();
  conceal('said-again');
  third.end();
  assert.equal(withoutConcealed('said-again'), '***', 'the fourth run has concealed it as well');
  fourth.end();
  assert.deepEqual(allConcealed(), { texts: [], parts: [] });
});

test('a process that makes many runs does not fill the list', () => {
  for (let i = 0; i < 20; i++) {
    const run = beginConcealing();
    for (let text = 0; text < 1000; text++) assert.ok(concealValue(`text-${i}-${text}`));
    run.end();
  }
});

test('a full list refuses what it can no longer keep out of messages', () => {
  const run = beginConcealing();
  for (let text = 0; text < 10_000; text++) conceal(`text-${text}`);
  assert.equal(conceal('one more'), false);
  assert.equal(concealValue('one more'), false);
  assert.ok(conceal('text-1'), 'one that is in it already is kept');
  run.end();
});

test('another thread conceals the same', () => {
  const there = beginConcealing();
  conceal('a whole name', 'a ${NAME}');
  concealValue('value/part');
  const all = allConcealed();
  there.end();
  const here = beginConcealing();
  assert.ok(concealAll(all));
  assert.equal(withoutConcealed('a whole name, value/part, part'), 'a ${NAME}, ***, ***');
  here.end();
});

test('what is concealed outside of any run stays concealed', () => {
  conceal('for-ever');
  const run = beginConcealing();
  conceal('for-ever');
  run.end();
  assert.equal(withoutConcealed('for-ever'), '***');
});
