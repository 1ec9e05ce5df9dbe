import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { shown } from '../../src/common/shown.ts';
import { html } from '../../src/report/html/markup.ts';
import { prose } from '../../src/report/html/words.ts';
import { holds } from '../support/property.ts';

const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom('<', '>', '&', '"', "'", '`', '=', ' ', '/', '\n', '\0', '\u202e', '\ud800'),
    fc.string({ unit: 'binary' }),
  ),
  maxLength: 40,
});

/** What a browser makes of the entities that `html` writes. */
function decoded(text: string): string {
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return text.replace(/&(\w+|#39);/g, (whole, name: string) => entities[name] ?? whole);
}

test('a text stays one text, in an element and in an attribute', async () => {
  await holds(
    500,
    fc.property(hostile, (text) => {
      const { text: made } = html`<p title="${text}">${text}</p>`;
      const [, title = '', inner = ''] = /^<p title="([^"<>]*)">([^<>]*)<\/p>$/.exec(made) ?? [];
      assert.equal(decoded(title), shown(text), made);
      assert.equal(decoded(inner), shown(text), made);
      assert.doesNotMatch(inner, /&(?!(?:amp|lt|gt|quot|#39);)/);
    }),
  );
});

test('HTML in HTML stays HTML, lists are joined, and nothing is nothing', () => {
  const items = ['a', '<b>'].map((item) => html`<li>${item}</li>`);
  assert.equal(
    html`<ul>${items}${undefined}</ul>${1}`.text,
    '<ul><li>a</li><li>&lt;b&gt;</li></ul>1',
  );
});

test('words between backticks are code, unless a backtick is alone', () => {
  assert.equal(prose('run `berth <x>` now').text, 'run <code>berth &lt;x&gt;</code> now');
  assert.equal(prose('a ` b').text, 'a ` b');
});
