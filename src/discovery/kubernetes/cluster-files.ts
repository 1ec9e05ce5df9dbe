import { problemOf } from '../../root/problem-of.ts';
import { RootError } from '../../root/root.ts';
import { followed, whereInTree } from '../../systemd/etc.ts';
import { type Placement, placed } from '../engines/placement.ts';
import { shortNamesOf } from '../engines/short-names.ts';
import { imageOf } from '../image-value.ts';
import type { Fault, Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { SourceContext } from '../source.ts';
import type { KubeImage } from './findings.ts';

/** The limits for all files of one distribution together. */
const maxBytes = 8 * 1024 * 1024;
const maxFiles = 2_000;

interface FoundText {
  readonly path: string;
  readonly realPath: string;
  readonly text: string;
}

/** Reads the files of a Kubernetes distribution, and collects what they name for its service. */
export class ClusterFiles {
  readonly references: Reference[] = [];
  readonly problems: Problem[] = [];
  readonly #context: SourceContext;
  readonly #unit: string;
  readonly #placement: Placement;
  #left = maxBytes;
  #files = 0;

  constructor(context: SourceContext, unit: string, placement: Placement) {
    this.#context = context;
    this.#unit = unit;
    this.#placement = placement;
  }

  /** @param path a path of the booted root. */
  read(path: string): FoundText | undefined {
    const { root, etc } = this.#context;
    const place = whereInTree(etc, path);
    const file = this.#tried(place, () => root.readFile(followed(root, etc, place)));
    if (file === undefined) return undefined;
    this.#left -= file.content.length;
    if (this.#left < 0 || ++this.#files > maxFiles) {
      this.problem(place, undefined, tooLarge);
      return undefined;
    }
    return { path: place, realPath: file.realPath, text: file.content.toString() };
  }

  /** The names in a directory; none if there is no such directory. */
  names(path: string): readonly string[] {
    const { root, etc } = this.#context;
    const place = whereInTree(etc, path);
    const entries = this.#tried(place, () => root.list(followed(root, etc, place)));
    return (entries ?? []).map(({ name }) => name);
  }

  kindOf(path: string): 'directory' | 'other' | undefined {
    const { root, etc } = this.#context;
    const place = whereInTree(etc, path);
    const found = this.#tried(place, () => root.lookup(followed(root, etc, place)));
    if (found === undefined) return undefined;
    return found.kind === 'directory' ? 'directory' : 'other';
  }

  add({ path, realPath }: FoundText, { raw, line, key, policy }: KubeImage): void {
    const shortNames = shortNamesOf(
      this.#placement.engine ?? 'containerd',
      this.#context.shortNames,
    );
    const image = imageOf(raw, shortNames);
    const faults = [
      ...(image.ok ? [] : [image.fault]),
      ...(policy === 'always' ? [pullAlways] : []),
    ];
    const reference: Reference = {
      raw,
      path,
      line,
      key,
      kind: 'kubernetes',
      unit: this.#unit,
      unitPath: path,
      ...(realPath === path ? {} : { unitRealPath: realPath }),
      scope: 'system',
      activation: 'unknown',
      via: [],
      ...(image.ok ? { image: image.image } : {}),
      pull: { policy },
      problems: faults.map((fault) => this.#at(path, line, fault)),
    };
    this.references.push(placed(reference, this.#placement));
  }

  problem(path: string, line: number | undefined, fault: Fault): void {
    this.problems.push(this.#at(path, line, fault));
  }

  #at(path: string, line: number | undefined, { code, message, hint }: Fault): Problem {
    const subject = { unitPath: path, unit: this.#unit };
    return { code, path, ...(line === undefined ? {} : { line }), message, hint, subject };
  }

  #tried<T>(path: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      this.problems.push({ ...problemOf(error), subject: { unitPath: path, unit: this.#unit } });
      return undefined;
    }
  }
}

const pullAlways: Fault = {
  code: 'pull-always',
  message: 'expected a pod that starts offline, found an image that is pulled at every start',
  hint: 'set imagePullPolicy: IfNotPresent; without it a name without a tag, or with :latest, means Always',
};

const tooLarge: Fault = {
  code: 'too-large',
  message: `expected at most ${maxFiles} manifests of at most ${maxBytes} bytes together, found more`,
  hint: 'remove files that are not manifests; this file is ignored',
};
