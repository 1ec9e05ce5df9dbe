import { append } from '../../common/append.ts';
import { problemOf } from '../../root/problem-of.ts';
import { RootError } from '../../root/root.ts';
import { followed, whereInTree } from '../../systemd/etc.ts';
import { globbed } from '../../systemd/glob.ts';
import { type Placement, placed } from '../engines/placement.ts';
import { shortNamesOf } from '../engines/short-names.ts';
import { fileReference } from '../file-reference.ts';
import { imageOf } from '../image-value.ts';
import type { Fault, Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { SourceContext } from '../source.ts';
import type { KubeImage } from './findings.ts';
import type { ProgramFlag } from './program-flag.ts';

/** The limits for all files of one service together; real manifests have a few kilobytes each. */
const maxBytes = 8 * 1024 * 1024;
const maxFiles = 2_000;

/** The most looks into the root: files that name each other could make them many. */
const maxSteps = 20_000;
const maxProblems = 2_000;

/** A text file with its place in the tree. */
export interface FoundText {
  readonly path: string;
  readonly realPath: string;
  readonly text: string;
}

/** Reads the files of the kubelet or of a distribution, and collects what they name for its service. */
export class ClusterFiles {
  readonly references: Reference[] = [];
  readonly problems: Problem[] = [];
  readonly #context: SourceContext;
  readonly #unit: string;
  readonly #placement: Placement;
  #left = maxBytes;
  #files = 0;
  #steps = 0;
  #isFull = false;

  constructor(context: SourceContext, unit: string, placement: Placement) {
    this.#context = context;
    this.#unit = unit;
    this.#placement = placement;
  }

  /** Whether a limit is exceeded. From then on nothing is found any more. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** @param path a path of the booted root, where a file should be. */
  read(path: string): FoundText | undefined {
    const found = this.#look(path, (root, at) => root.readFile(at) ?? 'dangling');
    if (found === undefined) return undefined;
    const place = this.#place(path);
    if (found === 'dangling') {
      this.problem(place, undefined, danglingLink);
      return undefined;
    }
    this.#left -= found.content.length;
    if (this.#left < 0 || ++this.#files > maxFiles) {
      this.#fill(place);
      return undefined;
    }
    return { path: place, realPath: found.realPath, text: found.content.toString() };
  }

  /** The names in a directory, sorted; none if there is no such directory. */
  names(path: string): readonly string[] {
    const entries = this.#look(path, (root, at) => root.list(at)) ?? [];
    return entries.map(({ name }) => name);
  }

  /** The paths that a pattern of a program written in Go matches. */
  matches(pattern: string): readonly string[] {
    const found = this.#look(pattern, (root) => ({
      paths: globbed(root, this.#place(pattern), 'hidden'),
    }));
    if (found !== undefined && found.paths === undefined) this.#fill(this.#place(pattern));
    return found?.paths ?? [];
  }

  /** The kind of the file at a path, with links followed; undefined if there is none. */
  kindOf(path: string): 'directory' | 'other' | undefined {
    const found = this.#look(path, (root, at) => root.lookup(at));
    if (found === undefined) return undefined;
    return found.kind === 'directory' ? 'directory' : 'other';
  }

  /** Whether a file that is listed is there; a link that leads nowhere is a problem. */
  isThere(path: string): boolean {
    const found = this.#look(path, (root, at) => root.lookup(at) ?? 'dangling');
    if (found === 'dangling') this.problem(this.#place(path), undefined, danglingLink);
    return found !== undefined && found !== 'dangling';
  }

  add(
    file: Pick<FoundText, 'path'> & Partial<FoundText>,
    image: KubeImage & { readonly kind?: string },
  ): void {
    const { engine = 'containerd' } = this.#placement;
    const named = { kind: 'kubernetes', ...image, unit: this.#unit };
    const reference = fileReference(
      file,
      named,
      imageOf(image.raw, shortNamesOf(engine, this.#context.shortNames)),
      image.policy === 'always' ? [pullAlways] : [],
    );
    const placedHere = placed(reference, this.#placement);
    append(this.references, this.#context.allowance.admit([placedHere]));
  }

  /** Adds the image that a flag of the service names, or says why it is not known. */
  addFlag(key: string, { path, line, text, fault }: ProgramFlag, kind = 'kubernetes'): void {
    if (fault !== undefined) this.problem(path, line, fault);
    else this.add({ path }, { raw: text, line, key, kind, policy: 'missing' });
  }

  /** @param written the path in the booted root, or already in the tree. */
  problem(
    written: string,
    line: number | undefined,
    fault: Fault & { readonly note?: true },
  ): void {
    const { code, message, hint, note } = fault;
    const path = this.#place(written);
    const subject = { unitPath: path, unit: this.#unit };
    const place = { path, ...(line === undefined ? {} : { line }) };
    this.#push({ code, ...place, message, hint, subject, ...(note === true ? { note } : {}) });
  }

  #place(path: string): string {
    return whereInTree(this.#context.etc, path);
  }

  #look<T>(path: string, read: (root: SourceContext['root'], at: string) => T): T | undefined {
    const { root, etc } = this.#context;
    const place = this.#place(path);
    if (this.#isFull) return undefined;
    if (++this.#steps > maxSteps) {
      this.#fill(place);
      return undefined;
    }
    try {
      return read(root, followed(root, etc, place));
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      this.#push({ ...problemOf(error), subject: { unitPath: place, unit: this.#unit } });
      return undefined;
    }
  }

  #fill(path: string): void {
    if (!this.#isFull) this.problem(path, undefined, tooLarge);
    this.#isFull = true;
  }

  #push(problem: Problem): void {
    if (this.problems.length < maxProblems) this.problems.push(problem);
  }
}

const pullAlways: Fault = {
  code: 'pull-always',
  message: 'expected a pod that starts offline, found an image that is pulled at every start',
  hint: 'set imagePullPolicy: IfNotPresent; without it a name without a tag, or with :latest, means Always',
};

const danglingLink: Fault = {
  code: 'dangling-link',
  message: 'expected a file, found a link that leads nowhere inside the root',
  hint: 'ship the file that it leads to, or remove the link',
};

const tooLarge: Fault = {
  code: 'too-large',
  message: `expected at most ${maxFiles} manifests of at most ${maxBytes} bytes together, found more`,
  hint: 'remove files that are not manifests; this file and all after it are ignored',
};
