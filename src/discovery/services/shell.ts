import type { Fault } from '../problem.ts';
import { mentionsImages } from './programs.ts';
import { nextToken } from './shell-token.ts';
import { longestCommandLine, type Word } from './words.ts';

export interface ShellCommand {
  readonly words: readonly Word[];
  /** The variables that are assigned for this command alone, or exported before. */
  readonly variables: ReadonlyMap<string, Word>;
  /** Whether the script goes on, and may succeed, when the command fails. */
  readonly ignoresFailure: boolean;
}

/** The commands of a script. A script that can't be parsed has a fault only if it may name images. */
export type Shell =
  | { readonly ok: true; readonly commands: readonly ShellCommand[] }
  | { readonly ok: false; readonly fault?: Fault };

/** The most variables that a script may export: each command gets a copy of all. */
const mostExported = 256;

/** The words that begin more than a simple command, or change the meaning of later commands. */
const notPlain: ReadonlySet<string> = new Set(
  '! { } if then elif else fi for while until do done case esac function select time [[ . source eval read unset trap alias local declare typeset readonly'.split(
    ' ',
  ),
);

/**
 * Reads a plain script: simple commands joined by `;`, `&&`, `||`, `&` or line ends, with
 * redirections, quotes, and variables from the environment or assigned in the script.
 *
 * Source: POSIX, Shell Command Language.
 *
 * @returns a fault only if the script can't be parsed and probably names an image.
 */
export function readShell(
  text: string,
  environment: ReadonlyMap<string, string>,
  stopsAtFailure: boolean,
): Shell {
  const scriptVariables = new Map<string, string | undefined>();
  const variables = (name: string) =>
    scriptVariables.has(name) ? scriptVariables.get(name) : environment.get(name);
  const exported = new Map<string, Word>();
  let size = 0;
  const commands: ShellCommand[] = [];
  const refusal: Shell = mentionsImages(text) ? { ok: false, fault: notUnderstood } : { ok: false };
  let words: Word[] = [];
  let assigned: [string, Word][] = [];
  let certain = true;
  for (let at = 0; ; ) {
    const token = nextToken(text, at, variables);
    if (token === undefined) return refusal;
    at = token.next;
    if (token.kind === 'word') {
      const [name, value] = words.length === 0 ? assignment(token) : [];
      if (name !== undefined && value !== undefined) assigned.push([name, value]);
      else {
        for (const word of token.words) {
          size += word.text.length;
          words.push(word);
        }
      }
      if (size > longestCommandLine) return refusal;
      continue;
    }
    if (words[0] !== undefined && notPlain.has(words[0].text)) return refusal;
    if (words[0]?.text === 'set' && words[1] !== undefined) {
      if (/^-[a-z]*e/.test(words[1].text)) stopsAtFailure = true;
      words = [];
    }
    if (words[0]?.text === 'exec' || words[0]?.text === 'command') words = words.slice(1);
    if (words[0]?.text === 'export') {
      for (const word of words.slice(1)) {
        const equals = word.text.indexOf('=');
        if (equals > 0) {
          const value = { ...word, text: word.text.slice(equals + 1) };
          assigned.push([word.text.slice(0, equals), value]);
          exported.set(word.text.slice(0, equals), value);
          if (exported.size > mostExported) return refusal;
        }
      }
      words = [];
    }
    if (words.length === 0) {
      for (const [name, value] of assigned) {
        // After an assignment that may be skipped (`a && X=1`) the variable is unknown.
        scriptVariables.set(name, certain && value.fault === undefined ? value.text : undefined);
      }
    } else {
      const last = token.kind === 'end' || /^\s*$/.test(text.slice(at));
      const goesOn = !last && !stopsAtFailure && (token.text === ';' || token.text === '&');
      const variables = new Map(exported);
      for (const [name, value] of assigned) variables.set(name, value);
      commands.push({ words, variables, ignoresFailure: token.text === '||' || goesOn });
    }
    certain = token.text === ';' || token.text === '&';
    words = [];
    assigned = [];
    if (token.kind === 'end') return { ok: true, commands };
  }
}

function assignment(token: {
  readonly words: readonly Word[];
  readonly assignment?: { readonly name: string; readonly value: Word };
}): [string, Word] | [] {
  return token.assignment === undefined ? [] : [token.assignment.name, token.assignment.value];
}

const notUnderstood: Fault = {
  code: 'shell',
  message: 'expected a plain script, found one with more than simple commands',
  hint: 'call podman in ExecStart= itself, or write the image in a Quadlet unit',
};
