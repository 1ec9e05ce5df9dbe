import type { Some } from '../model/report.ts';
import { type State, states } from '../model/states.ts';
import { html, type Markup } from './markup.ts';

/** A state as a symbol and a word. */
export function stateMark(state: State): Markup {
  const { symbol, word } = states[state];
  return html`<span class="state s-${state}"><i aria-hidden="true">${symbol}</i><span class="word"> ${word}</span></span>`;
}

/** Whether a root is ready, as a symbol and words. */
export function readyMark(state: 'ready' | 'not ready' | 'pins'): Markup {
  if (state === 'not ready')
    return html`<span class="state not"><i aria-hidden="true">✗</i> not ready</span>`;
  const word = state === 'pins' ? 'held by hand' : 'ready';
  return html`<span class="state ready"><i aria-hidden="true">✓</i> ${word}</span>`;
}

/** What of a list is left out; nothing if it is whole. */
export function leftOut({ more }: Some<unknown>, command: string, what = ''): Markup | undefined {
  if (more === 0) return undefined;
  return html`<p class="quiet">… and ${more} more${what}: <code>${command}</code> lists all.</p>`;
}

/** The id of the section of a root in the page. */
export function sectionOf(index: number): string {
  return `root-${index + 1}`;
}

/** The id of the heading of what a root lacks. */
export function lacksOf(index: number): string {
  return `lacks-${index + 1}`;
}

/** A text with words between backticks, as messages have them, as code. */
export function prose(text: string): Markup {
  const pieces = text.split('`');
  // An odd number of backticks means something else.
  if (pieces.length % 2 === 0) return html`${text}`;
  return html`${pieces.map((piece, index) => (index % 2 === 0 ? piece : html`<code>${piece}</code>`))}`;
}
