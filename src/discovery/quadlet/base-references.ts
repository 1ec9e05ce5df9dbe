import type { ShortNames } from '../../image/short-names.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import type { Allowance } from '../allowance.ts';
import { citedBases } from '../cited/bases.ts';
import type { CitedText } from '../cited/text.ts';
import type { BaseImages, BuildOptions } from '../containerfile/base-images.ts';
import { imageOf } from '../image-value.ts';
import type { Problem } from '../problem.ts';
import type { PullOptions, Reference } from '../reference.ts';
import type { Found } from '../source.ts';
import { referenceFields } from './reference-fields.ts';
import { problemOfUnit, type QuadletUnit } from './unit.ts';

export interface FileBases extends BaseImages {
  /** The Containerfile. */
  readonly path: string;
}

/** Reads Containerfiles for one architecture. */
export class BaseReader {
  readonly #architecture: string;
  readonly #allowance: Allowance;

  /** @param architecture the root's architecture in systemd's spelling: `x86-64`. */
  constructor(architecture: string, allowance: Allowance) {
    this.#architecture = architecture;
    this.#allowance = allowance;
  }

  read(
    { path, file }: { readonly path: string; readonly file: CitedText },
    options: Omit<BuildOptions, 'architecture' | 'allowance'>,
  ): FileBases {
    const rootOptions = { architecture: this.#architecture, allowance: this.#allowance };
    return { ...citedBases(file, { ...options, ...rootOptions }), path };
  }
}

/**
 * The base images as references of a unit: the `.build` unit, or a unit that uses the built image.
 */
export function baseReferences(
  unit: QuadletUnit,
  { images, faults, path }: FileBases,
  pull: PullOptions,
  shortNames: ShortNames,
): Found {
  const references = images.map(({ raw, line, platform }): Reference => {
    const at: UnitEntry = { group: 'Build', key: 'FROM', value: raw, path, line };
    const image = imageOf(raw, shortNames);
    const [os, arch, variant] = platform?.split('/') ?? [];
    return {
      ...referenceFields(unit),
      raw,
      path,
      line,
      key: 'FROM',
      ...(image.ok ? { image: image.image } : {}),
      pull: {
        ...pull,
        ...(os === undefined || arch === undefined ? {} : { os, arch }),
        ...(variant === undefined ? {} : { variant }),
      },
      problems: image.ok ? [] : [problemOfUnit(unit, at, image.fault)],
    };
  });
  const problems = faults.map(({ line = 1, ...fault }): Problem => {
    return problemOfUnit(unit, { group: 'Build', key: 'FROM', value: '', path, line }, fault);
  });
  return { references, problems };
}
