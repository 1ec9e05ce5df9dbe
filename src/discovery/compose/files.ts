import { posix } from 'node:path';
import type { ProblemSubject } from '../../common/problem.ts';
import { type FoundFile, RootError } from '../../root/root.ts';
import { followed, whereInTree } from '../../systemd/etc.ts';
import type { Fault, Problem } from '../problem.ts';
import type { SourceContext } from '../source.ts';
import { readYamlValues, type YamlValue } from './yaml-value.ts';

/** Reads the files of Compose projects, each once, by the paths that the booted root calls them. */
export class ComposeFiles {
  readonly problems: Problem[] = [];
  readonly #context: SourceContext;
  readonly #documents = new Map<string, readonly YamlValue[]>();

  constructor(context: SourceContext) {
    this.#context = context;
  }

  /** Where in the tree `path` is. */
  place(path: string): string {
    return whereInTree(this.#context.etc, path);
  }

  realPath(path: string): string | undefined {
    return this.#guarded(path, (at) => this.#context.root.lookup(at)?.realPath);
  }

  kind(path: string): 'file' | 'directory' | 'other' | undefined {
    return this.#guarded(path, (at) => this.#context.root.lookup(at)?.kind);
  }

  /** False for a file in which others than root may write: then a problem says so, which binds nothing. */
  isOfOs(path: string): boolean {
    const found = this.#guarded(path, (at) => {
      try {
        this.#context.root.lookup(at);
        return 'of the OS';
      } catch (error) {
        if (error instanceof RootError && error.code !== 'user-writable') return 'of the OS';
        throw error;
      }
    });
    return found !== undefined;
  }

  names(directory: string): readonly string[] {
    const list = (at: string) => this.#context.root.list(at)?.map(({ name }) => name);
    return this.#guarded(directory, list) ?? [];
  }

  /** Undefined if it is not there, or can't be read: then a problem says so. */
  text(path: string, maxBytes?: number): string | undefined {
    return this.file(path, maxBytes)?.content.toString('utf8');
  }

  /** As `text`, and whether everybody may read it. */
  file(path: string, maxBytes?: number): FoundFile | undefined {
    return this.#guarded(path, (at) => this.#context.root.readFile(at, maxBytes));
  }

  /** The documents of a file, none if it is not there. */
  async documents(path: string): Promise<readonly YamlValue[]> {
    const known = this.#documents.get(path);
    if (known !== undefined) return known;
    const text = this.text(path);
    const read = text === undefined ? { documents: [], faults: [] } : await readYamlValues(text);
    for (const { line, ...fault } of read.faults) this.problem(path, line, fault);
    this.#documents.set(path, read.documents);
    return read.documents;
  }

  problem(path: string, line: number | undefined, fault: Fault): void {
    const { code, message, hint } = fault;
    this.problems.push({
      code,
      path: this.place(path),
      ...(line === undefined ? {} : { line }),
      message,
      hint,
    });
  }

  /** Says of the problems from number `first` on which unit they are about. */
  concern(first: number, subject: ProblemSubject): void {
    for (let i = first; i < this.problems.length; i++) {
      const problem = this.problems[i];
      if (problem !== undefined) this.problems[i] = { ...problem, subject };
    }
  }

  /** Links to /etc in a tree that has it at /usr/etc may stand in any component. */
  #readable(path: string): string {
    const { root, etc } = this.#context;
    if (etc === '/etc') return path;
    const down = (at: string, name: string) => followed(root, etc, posix.join(at, name));
    return path.split('/').reduce(down, '/');
  }

  #guarded<T>(path: string, read: (at: string) => T): T | undefined {
    try {
      return read(this.#readable(this.place(path)));
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      this.problem(path, undefined, error);
      return undefined;
    }
  }
}

/** A path of a Compose file, against the directory that it counts from. */
export function against(directory: string, path: string): string {
  return posix.resolve(directory, path);
}
