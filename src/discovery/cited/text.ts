import { onceFor } from '../../common/once-for.ts';
import { type Root, RootError } from '../../root/root.ts';
import { type Allowance, allowanceSpent } from '../allowance.ts';

/** The text of a file that a unit cites. As long as the text is kept, it is the same object for all units. */
export interface CitedText {
  readonly text: string;
}

/** In characters, of all kept texts of a root: files beyond that are read again for each unit that cites them. */
const mostKept = 8 * 1024 * 1024;

/** Parsing a character takes as long as expanding this many, which is what the allowance counts. */
const costOfParsing = 2;

interface Kept {
  /** By path. */
  readonly texts: Map<string, CitedText>;
  left: number;
}

const keptOf = onceFor<Root, Kept>(() => ({ texts: new Map(), left: mostKept }));

/**
 * Reads a file that a unit cites, once for all units: a root can have thousands of units that cite one
 * large file.
 *
 * @returns undefined if nothing is there.
 * @throws {RootError} as `Root.readFile`; `too-large` if the units cite more than berth reads.
 */
export function citedText(root: Root, path: string, allowance: Allowance): CitedText | undefined {
  const kept = keptOf(root);
  const known = kept.texts.get(path);
  if (known !== undefined) return known;
  const text = root.readFile(path)?.content.toString();
  if (text === undefined) return undefined;
  if (!allowance.spend(text.length * costOfParsing)) {
    const { message, hint } = allowanceSpent;
    throw new RootError('too-large', path, message, { hint });
  }
  const cited = { text };
  if (text.length > kept.left) return cited;
  kept.left -= text.length;
  kept.texts.set(path, cited);
  return cited;
}
