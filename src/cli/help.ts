import type { Help, HelpConfiguration } from 'commander';
import { mayBeTerminal } from './standard-streams.ts';

/** What `berth --help` says below the list of commands. */
export const programHelp = `
ROOT is the directory of an OS tree, fd:N for one that is open, a deployment of
this host (booted, staged, rollback), or image:REF for an OS image: a name in a
registry, store:NAME, or oci:DIR[:NAME] for an OCI layout. If left out: booted,
or / where no updater is found. verify, report and release also know a staged
root by its id.

Exit codes: 0 done, or ready; 1 failed; 2 wrong usage or configuration; 3 not
ready; 4 refused (space, policy, pinned); 5 a registry or engine can't be
reached, try again; 6 images wait until quiet hours are over.

Examples:
  berth images ./rootfs            what the tree names
  berth stage --bind all ./rootfs  fetch and pin all of it
  berth verify ./rootfs            0 if every image is present and pinned
  berth release ./rootfs           let go of it
`;

/** The columns for which the texts of the help are written, and those of a help that goes to no terminal. */
const USUAL = 80;

/** The columns of a help on standard output. */
export function helpWidth(): number {
  return mayBeTerminal(1) ? process.stdout.columns || USUAL : USUAL;
}

/** How options, arguments and commands are listed, on narrow terminals too. */
export const helpLayout: HelpConfiguration = {
  minWidthToWrap: 20,
  formatItem(this: Help, term, termWidth, description, helper) {
    const { helpWidth: columns = USUAL } = this;
    if (description === '') return `  ${term}`;
    // Where both don't fit side by side, the description stands below.
    const isNarrow = columns < USUAL;
    const indent = ' '.repeat(isNarrow ? 6 : termWidth + 4);
    const text = helper
      .boxWrap(description, columns - indent.length)
      .replaceAll('\n', `\n${indent}`);
    const head = `  ${term}`;
    return isNarrow ? `${head}\n${indent}${text}` : head.padEnd(indent.length) + text;
  },
};

/** A text that is written for 80 columns, in as many as a narrower terminal has. */
export function fitted(text: string, columns: number): string {
  if (columns >= USUAL) return text;
  // Lines of a paragraph are one line first. Indented lines are examples, and stay.
  const joined = text.replaceAll(/(?<=[^\n:])\n(?=[^\s])/g, ' ');
  return joined
    .split('\n')
    .map((line) => broken(line, columns))
    .join('\n');
}

function broken(line: string, columns: number): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  const hanging = indent === '' ? '' : `${indent}    `;
  const rows: string[] = [];
  let rest = line;
  while (rest.length > columns) {
    const at = rest.lastIndexOf(' ', columns);
    // A word that is wider than the terminal stays whole.
    if (rest.slice(0, at).trim() === '') break;
    rows.push(rest.slice(0, at).trimEnd());
    rest = hanging + rest.slice(at).trimStart();
  }
  return [...rows, rest].join('\n');
}
