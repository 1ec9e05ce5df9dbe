import type { ImageValue } from '../../image-value.ts';
import type { Reference } from '../../reference.ts';
import type { CommandPull } from '../command-pull.ts';
import { placeOf, type ServicePlace } from '../service-place.ts';

/** A name as a command has it, or a file that the command reads, such as a Containerfile. */
interface Named {
  readonly raw: string;
  readonly path: string;
  readonly line: number;
  readonly key: string;
}

/** The reference of a service to an image or artifact that one of its commands names. */
export function commandReference(
  { raw, path, line, key }: Named,
  name: ImageValue,
  { options, faults }: CommandPull,
  place: ServicePlace,
): Reference {
  const all = [...(name.ok ? [] : [name.fault]), ...faults];
  const { subject } = place;
  return {
    ...placeOf(place),
    raw,
    path,
    line,
    key,
    ...(name.ok ? { image: name.image } : {}),
    pull: options,
    problems: all.map(({ code, message, hint }) => ({ code, path, line, message, hint, subject })),
  };
}
