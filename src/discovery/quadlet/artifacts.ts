import { scalar } from '../../systemd/lookup.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import type { ImageValue } from '../image-value.ts';
import type { Fault, Problem } from '../problem.ts';
import type { PullOptions, Reference } from '../reference.ts';
import { artifactOf, privateArtifactOf } from '../services/images/artifact-name.ts';
import type { Found } from '../source.ts';
import { type Arguments, readArguments } from './arguments.ts';
import { imagePull, type PullContext } from './pull-options.ts';
import { referenceFields } from './reference-fields.ts';
import type { Units } from './refusal/refused.ts';
import { problemOfUnit, type QuadletUnit, serviceOf, subjectOf } from './unit.ts';

interface ArtifactContext extends PullContext {
  readonly units: Units;
}

/** The OCI artifact that a `.artifact` unit pulls. */
export function ownArtifact(unit: QuadletUnit, context: ArtifactContext): Found {
  const entry = scalar(unit.entries, 'Artifact', 'Artifact');
  if (entry === undefined) return { references: [], problems: [] };
  const given = readArguments(unit, context);
  return { references: [pulled(unit, entry, given, context)], problems: given.unitProblems };
}

function pulled(
  unit: QuadletUnit,
  entry: UnitEntry,
  given: Arguments,
  context: ArtifactContext,
): Reference {
  const own = imagePull(unit, context);
  const problems = [...own.problems, ...given.pullProblems];
  const options = { ...own.options, ...given.pull };
  return reference(unit, entry, named(unit, entry.value, context), options, problems);
}

/**
 * The OCI artifact of a mount, named by itself or by the `.artifact` unit that pulls it. The podman of a
 * container never pulls artifacts.
 */
export function mountedArtifact(
  unit: QuadletUnit,
  entry: UnitEntry,
  context: ArtifactContext,
): Reference {
  const { value } = entry;
  if (!value.endsWith('.artifact')) {
    return reference(unit, entry, named(unit, value, context), { policy: 'missing' }, []);
  }
  const target = context.units.byName.get(value);
  const at = target && scalar(target.entries, 'Artifact', 'Artifact');
  if (target === undefined || at === undefined) {
    const fault = noArtifactFrom(value);
    return reference(unit, entry, { ok: false, fault }, { policy: 'missing' }, []);
  }
  const { image, pull, problems } = pulled(target, at, readArguments(target, context), context);
  // The pull fails offline in the other unit alone.
  const inherited = problems.filter(({ code }) => code !== 'pull-always');
  const options: PullOptions = { ...pull, policy: 'missing' };
  const subject = subjectOf(unit);
  const own = inherited.map((problem) => ({ ...problem, subject }));
  const artifact = image === undefined ? undefined : { ok: true as const, image };
  return { ...reference(unit, entry, artifact, options, own), imageService: target.service };
}

/** The name from the value that systemd passes to podman. */
function named(unit: QuadletUnit, value: string, { expander }: ArtifactContext): ImageValue {
  const expanded = expander.expand(serviceOf(unit), value);
  if (!expanded.ok) return expanded;
  const [word = ''] = expanded.words;
  return expanded.isPrivate ? privateArtifactOf(word) : artifactOf(word);
}

function reference(
  unit: QuadletUnit,
  entry: UnitEntry,
  artifact: ImageValue | undefined,
  pull: PullOptions,
  problems: readonly Problem[],
): Reference {
  const own =
    artifact === undefined || artifact.ok ? [] : [problemOfUnit(unit, entry, artifact.fault)];
  return {
    ...referenceFields(unit),
    raw: entry.value,
    path: entry.path,
    line: entry.line,
    key: entry.key,
    ...(artifact?.ok === true ? { image: artifact.image } : {}),
    artifact: true,
    pull,
    problems: [...own, ...problems],
  };
}

function noArtifactFrom(name: string): Fault {
  return {
    code: 'refused',
    message: `expected an OCI artifact from ${name}, found no such unit, or an empty one`,
    hint: `correct ${name}, or name the artifact here`,
  };
}
