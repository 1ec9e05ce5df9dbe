import assert from 'node:assert/strict';
import test from 'node:test';
import { wrapped } from '../../../src/cli/render/wrapped.ts';

const LINE = '2 images for os on store. Nothing comes over the network.\n';

test('a line breaks between words, where the terminal ends', () => {
  const text = wrapped(LINE, 25);
  assert.equal(text, '2 images for os on store.\nNothing comes over the\nnetwork.\n');
  assert.equal(wrapped(LINE, 57), LINE, 'the end of the line takes no room');
  assert.equal(wrapped('a longer-than-that b\n', 6), 'a\nlonger-than-that\nb\n');
});

test('where there is no terminal, a line stays whole', () => {
  assert.equal(wrapped(LINE, undefined), LINE);
});
