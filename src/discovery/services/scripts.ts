import { posix } from 'node:path';
import { RootError } from '../../root/root.ts';
import { followed, whereInTree } from '../../systemd/etc.ts';
import type { SourceContext } from '../source.ts';
import { mentionsImages, shells } from './programs.ts';
import { wrappers } from './wrappers.ts';

/** A script of the root that seems to start containers. */
export interface Script {
  /** The path in the booted root. */
  readonly path: string;
  /** The text, if a shell runs the script. */
  readonly shell?: string;
}

/** In bytes: a longer script is read this far. */
const longestScript = 1024 * 1024;
/** The most words of a command line that are looked at. */
const mostWords = 8;

/** Finds the scripts that services start, each read once. */
export class Scripts {
  readonly #context: Pick<SourceContext, 'root' | 'etc'>;
  readonly #read = new Map<string, Script | undefined>();

  constructor(context: Pick<SourceContext, 'root' | 'etc'>) {
    this.#context = context;
  }

  /** The first script in a command line that seems to start containers. */
  in(commandLine: string): Script | undefined {
    const words = commandLine
      .split(/\s+/, mostWords)
      .map((word) => word.replace(/^[-@:+!|"']+|["']+$/g, ''));
    const program = posix.basename(words[0] ?? '');
    // The other words are arguments, unless the program runs what they name.
    const runsOthers = shells.has(program) || Object.hasOwn(wrappers, program);
    const paths = (runsOthers ? words : words.slice(0, 1)).filter(
      (word) => word.startsWith('/') && !word.includes('%'),
    );
    for (const path of paths) {
      if (!this.#read.has(path)) this.#read.set(path, this.#at(path));
      const script = this.#read.get(path);
      if (script !== undefined) return script;
    }
    return undefined;
  }

  #at(path: string): Script | undefined {
    const { root, etc } = this.#context;
    try {
      const at = followed(root, etc, whereInTree(etc, path));
      if (root.lookup(at)?.kind !== 'file') return undefined;
      if (root.readStart(at, 2)?.toString('latin1') !== '#!') return undefined;
      const text = root.readStart(at, longestScript)?.toString() ?? '';
      const lines = text.split('\n');
      if (!lines.some((line) => !/^\s*#/.test(line) && mentionsImages(line))) return undefined;
      const [, program = '', name = ''] = /^#!\s*(\S+)(?:[ \t]+(\S+))?/.exec(text) ?? [];
      const shell = posix.basename(posix.basename(program) === 'env' ? name : program);
      return shells.has(shell) ? { path, shell: text } : { path };
    } catch (error) {
      // A program that can't be read is not the concern of those who look for images.
      if (error instanceof RootError) return undefined;
      throw error;
    }
  }
}
