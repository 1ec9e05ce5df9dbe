import { posix } from 'node:path';
import type { ProblemSubject } from '../../common/problem.ts';
import { type FoundFile, RootError } from '../../root/root.ts';
import { followed, whereInTree } from '../../systemd/etc.ts';
import { type CitedText, citedText } from '../cited/text.ts';
import type { Fault, Problem } from '../problem.ts';
import type { SourceContext } from '../source.ts';
import { refusalsOf } from './refusals.ts';
import { readYamlValues, type YamlDocuments, YamlLimit, type YamlValue } from './yaml-value.ts';

/**
 * Reads the files of Compose projects, by their paths in the booted root, and collects the
 * problems.
 */
export class ComposeFiles {
  readonly problems: Problem[] = [];
  readonly #context: SourceContext;
  readonly #documents = new Map<string, YamlDocuments>();

  constructor(context: SourceContext) {
    this.#context = context;
  }

  /** The path in the tree of a path in the booted root. */
  place(path: string): string {
    return whereInTree(this.#context.etc, path);
  }

  realPath(path: string): string | undefined {
    return this.#guarded(path, (at) => this.#context.root.lookup(at)?.realPath);
  }

  kind(path: string): 'file' | 'directory' | 'other' | undefined {
    return this.#guarded(path, (at) => this.#context.root.lookup(at)?.kind);
  }

  /** False, with a problem that binds nothing, if others than root may write to the file. */
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

  /** The text of a file; undefined if it does not exist or, with a problem, if it can't be read. */
  text(path: string, maxBytes?: number): string | undefined {
    return this.file(path, maxBytes)?.content.toString('utf8');
  }

  /** Like `text`, but says also whether everybody may read the file. */
  file(path: string, maxBytes?: number): FoundFile | undefined {
    return this.#guarded(path, (at) => this.#context.root.readFile(at, maxBytes));
  }

  /** The text of a file that several services may cite; undefined as for `text`. */
  cited(path: string): CitedText | undefined {
    const { root, allowance } = this.#context;
    return this.#guarded(path, (at) => citedText(root, at, allowance));
  }

  /** The YAML documents of a file; none if the file does not exist. */
  async documents(path: string): Promise<readonly YamlValue[]> {
    return (await this.yaml(path)).documents;
  }

  /**
   * A file as YAML, each file parsed only once.
   *
   * @throws {YamlLimit} if the projects of the root have taken too much.
   */
  async yaml(path: string): Promise<YamlDocuments> {
    const known = this.#documents.get(path);
    if (known !== undefined) return known;
    const text = this.text(path);
    if (text !== undefined && !this.#context.allowance.spend(text.length)) {
      throw new YamlLimit(projectsSpent);
    }
    const read = text === undefined ? noYaml : await readYamlValues(text);
    for (const { line, ...fault } of read.faults) this.problem(path, line, fault);
    if (text !== undefined && read.faults.length === 0 && read.documents.every(isEmpty)) {
      this.problem(path, undefined, emptyFile);
    }
    for (const { entries } of read.documents) {
      for (const { line, ...fault } of entries === undefined ? [] : refusalsOf(entries)) {
        this.problem(path, line, fault);
      }
    }
    this.#documents.set(path, read);
    return read;
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

  /** Sets the subject of all problems from index `first` on. */
  concern(first: number, subject: ProblemSubject): void {
    for (let i = first; i < this.problems.length; i++) {
      const problem = this.problems[i];
      if (problem !== undefined) this.problems[i] = { ...problem, subject };
    }
  }

  /**
   * Follows links in every component: in a tree with `/usr/etc`, any of them may lead to `/etc`.
   */
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

/** Resolves a path of a Compose file against a directory. */
export function against(directory: string, path: string): string {
  return posix.resolve(directory, path);
}

const noYaml: YamlDocuments = { documents: [], faults: [], withDollar: [] };

function isEmpty({ entries, items, text }: YamlValue): boolean {
  return entries === undefined && items === undefined && text === undefined;
}

const emptyFile: Fault = {
  code: 'compose',
  message: 'expected a Compose file, found an empty one, which Compose refuses',
  hint: 'name services in it, or remove the file',
};

/** Each unit reads its project anew, so that many small units of a large project take long. */
export const projectsSpent: Fault = {
  code: 'too-large',
  message:
    'expected Compose projects of at most some 60,000 services or 60 MB in all units of the root together, found more',
  hint: 'bring up fewer projects, or split them so that each unit reads a file of its own',
};
