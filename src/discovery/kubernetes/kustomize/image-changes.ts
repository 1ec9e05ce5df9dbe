import { listAt, textAt, textOf, type Value, valueAt } from '../value.ts';
import { Refused } from './refused.ts';
import type { Work } from './work.ts';

/** An entry of `images`. */
export interface ImageChange {
  /** kustomize takes it for a regular expression; `.` is the only special character that is read. */
  readonly name: string;
  readonly newName: string;
  readonly newTag: string;
  readonly digest: string;
  readonly tagSuffix: string;
}

/** @throws {Refused} if the name is a regular expression. */
export function imageChange(entry: Value): ImageChange {
  const text = (key: string) => textAt(entry, key) ?? '';
  const name = text('name');
  if (/[*+?()[\]{}|^$\\]/.test(name)) throw new Refused('a regular expression as name of an image');
  const [newName, newTag] = [text('newName'), text('newTag')];
  return { name, newName, newTag, digest: text('digest'), tagSuffix: text('tagSuffix') };
}

/**
 * Changes the images of all containers in an object: those in `containers` and `initContainers` at any
 * depth, and those of a pod in a known place once more, as kustomize does.
 *
 * Source: kustomize, api/filters/imagetag; api/internal/konfig/builtinpluginconsts/images.go.
 */
export function withChangedImages(
  value: Value,
  changes: readonly ImageChange[],
  work: Work,
): Value {
  if (changes.length === 0 || textAt(value, 'kind') === 'CustomResourceDefinition') return value;
  return new ImageWalk(changes, work).walk(value, 'object');
}

/**
 * The image volume whose image an entry of `images` names, if there is one. kustomize 5.5 leaves it as
 * it is, and later ones change it.
 */
export function changedVolume(value: Value, changes: readonly ImageChange[]): Value | undefined {
  const pods = [valueAt(value, ['spec']), valueAt(value, ['spec', 'template', 'spec'])];
  const volumes = pods.flatMap((pod) => (pod === undefined ? [] : listAt(pod, 'volumes')));
  return volumes
    .map((volume) => valueAt(volume, ['image', 'reference']))
    .find((reference) => {
      const text = textOf(reference);
      return changes.some((change) => changedImage(text, change) !== text);
    });
}

/** The places on the way to a pod; `inner` is everything else. */
type Place = 'object' | 'spec' | 'template' | 'pod' | 'inner';

const below: Readonly<Partial<Record<Place, Readonly<Record<string, Place>>>>> = {
  object: { spec: 'spec' },
  spec: { template: 'template' },
  template: { spec: 'pod' },
};

class ImageWalk {
  readonly #changes: readonly ImageChange[];
  readonly #work: Work;
  /** Aliases repeat a value as the same object; it is changed once. */
  readonly #inner = new Map<Value, Value>();

  constructor(changes: readonly ImageChange[], work: Work) {
    this.#changes = changes;
    this.#work = work;
  }

  walk(value: Value, place: Place): Value {
    if (value.kind === 'scalar') return value;
    const known = place === 'inner' ? this.#inner.get(value) : undefined;
    if (known !== undefined) return known;
    const changed = this.#changed(value, place);
    if (place === 'inner') this.#inner.set(value, changed);
    return changed;
  }

  #changed(value: Exclude<Value, { kind: 'scalar' }>, place: Place): Value {
    this.#work.spend(value.kind === 'list' ? value.items.length : value.entries.size);
    if (value.kind === 'list') {
      return { ...value, items: value.items.map((item) => this.walk(item, 'inner')) };
    }
    const entries = new Map<string, Value>();
    const times = place === 'spec' || place === 'pod' ? 2 : 1;
    for (const [key, item] of value.entries) {
      const walked = this.walk(item, below[place]?.[key] ?? 'inner');
      const isContainers = key === 'containers' || key === 'initContainers';
      entries.set(key, isContainers ? this.#containers(walked, times) : walked);
    }
    return { ...value, entries };
  }

  #containers(list: Value, times: number): Value {
    if (list.kind !== 'list') return list;
    return { ...list, items: list.items.map((item) => this.#container(item, times)) };
  }

  #container(container: Value, times: number): Value {
    const image = container.kind === 'map' ? container.entries.get('image') : undefined;
    if (container.kind !== 'map' || image?.kind !== 'scalar') return container;
    if (typeof image.value !== 'string') return container;
    this.#work.spend(this.#changes.length * times);
    let text = image.value;
    for (const change of this.#changes) {
      for (let i = 0; i < times; i++) text = changedImage(text, change);
    }
    const entries = new Map(container.entries).set('image', { ...image, value: text });
    return { ...container, entries };
  }
}

/** Source: kustomize, api/filters/imagetag/updater.go; api/image/image.go. */
export function changedImage(image: string, change: ImageChange): string {
  const { name, newName, newTag, digest, tagSuffix } = change;
  const isMatched =
    isNamed(image.slice(0, name.length), name) &&
    /^(?::[\w.{}-]*)?(?:@sha256:[\w.{}-]*)?$/.test(image.slice(name.length));
  if (!isMatched) return image;
  // A colon before the first slash belongs to the registry.
  const path = Math.max(0, image.indexOf('/'));
  const [, own = '', tag = '', written = ''] =
    /^([^:@]*)(?::([^@]*))?(?:@([^]*))?$/.exec(image.slice(path)) ?? [];
  const base = newName === '' ? image.slice(0, path) + own : newName;
  if (newTag !== '' || digest !== '') return named(base, newTag, digest);
  return tagSuffix === '' ? named(base, tag, written) : named(base, tag + tagSuffix, '');
}

function named(base: string, tag: string, digest: string): string {
  return `${base}${tag === '' ? '' : `:${tag}`}${digest === '' ? '' : `@${digest}`}`;
}

function isNamed(text: string, name: string): boolean {
  if (text.length !== name.length) return false;
  return Array.prototype.every.call(name, (char, at) => char === '.' || char === text[at]);
}
