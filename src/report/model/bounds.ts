import { shown } from '../../common/shown.ts';
import type { Some } from './report.ts';

// A host may have thousands of images in hundreds of roots, and a page of all of them is of use to nobody. The page says
// what is left out.

/** The most roots with a section of their own. */
export const MOST_ROOTS = 200;
/** The most columns of the matrix: as many as fit on paper. */
export const MOST_COLUMNS = 12;
export const MOST_ROWS = 500;
/** The most images of one root that are shown in detail. */
export const MOST_IMAGES = 300;
/** The most ways to one image that are drawn, and the most units of each. */
export const MOST_WAYS = 6;
export const MOST_UNITS = 10;
export const MOST_CONDITIONS = 6;
/** The most reasons, and the most notes, of one root. */
export const MOST_SAID = 100;
/** The most characters of a text from outside. */
const MOST_CHARACTERS = 400;
/** The most characters of details in the whole report. */
const MOST_DETAILS = 3_000_000;

export function some<T>(all: readonly T[], most: number): Some<T> {
  return { shown: all.slice(0, most), more: Math.max(0, all.length - most) };
}

/** A text without its middle, if it is long: names differ at both ends. No part of a concealed text is left. */
export function shortened(whole: string, most = MOST_CHARACTERS): string {
  const text = shown(whole);
  if (text.length <= most) return text;
  const end = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - end)}…${text.slice(text.length - end)}`;
}

/** The room for details that is left in a report. */
export class Room {
  #left = MOST_DETAILS;

  /** Makes the elements of a list that are shown, as long as there is room. Nothing is made that is left out. */
  take<From, To>(list: Some<From>, make: (from: From) => To): Some<To> {
    const taken: To[] = [];
    for (const from of list.shown) {
      if (this.#left <= 0) break;
      const made = make(from);
      this.#left -= JSON.stringify(made).length;
      taken.push(made);
    }
    return { shown: taken, more: list.more + list.shown.length - taken.length };
  }
}
