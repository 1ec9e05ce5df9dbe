import type { BoundProblem, BoundReference, Survey } from '../binding/survey.ts';
import { BerthError } from '../common/errors.ts';
import type { Situation } from '../lifecycle/situation.ts';
import { type Why, whyOf } from '../lifecycle/why.ts';
import type { Root } from '../root/root.ts';
import { HostError } from './errors.ts';
import { namesMeantBy } from './names.ts';

/** The answer to `berth why NAME`: about one image, or about all images of a unit. */
export type Answer = { readonly kind: 'image'; readonly why: Why } | UnitAnswer;

interface UnitAnswer {
  readonly kind: 'unit';
  readonly unit: string;
  readonly images: readonly Why[];
  /** The problems of the unit; an image that can't be known is one of them. */
  readonly problems: readonly BoundProblem[];
}

/**
 * Says what a root and the records have on a name: that of an image, of a service (`app.service`), or of
 * a unit file (`app.container`, which for a template means all its instances). A word without a
 * suffix is an image if any is called so, else a service.
 *
 * @throws {HostError} for a name that means nothing, or may mean several images.
 */
export async function answerWhy(
  name: string,
  found: Survey,
  root: Root,
  situation: Situation,
): Promise<Answer> {
  const unit = ofUnit(name, [name], found, situation);
  if (unit !== undefined) return unit;
  if (unitSuffix.test(name)) {
    throw new HostError(
      'no-unit',
      `expected the name of an image, or of a unit of ${found.location} that names one, found ${JSON.stringify(name)}`,
      'run `berth images` to see all units that name images',
    );
  }
  const service = () => ofUnit(name, [`${name}.service`], found, situation);
  try {
    const image = await nameMeantIn(name, found.references, root);
    const why = whyOf(image, found.references, situation);
    const isKnown = why.references.length + why.roots.length + why.present.length > 0;
    return (isKnown ? undefined : service()) ?? { kind: 'image', why };
  } catch (error) {
    const answer = error instanceof BerthError && error.kind === 'usage' ? service() : undefined;
    if (answer === undefined) throw error;
    return answer;
  }
}

const unitSuffix =
  /^[^/]+\.(?:service|socket|timer|path|container|image|volume|pod|kube|build|network|artifact)$/;

/** The answer about the units with one of the names; undefined if no unit has one. */
function ofUnit(
  asked: string,
  names: readonly string[],
  { references, problems }: Survey,
  situation: Situation,
): UnitAnswer | undefined {
  const isCalled = ({ unit, unitPath }: Pick<BoundReference, 'unit' | 'unitPath'>) =>
    names.includes(unit) || names.includes(unitPath.slice(unitPath.lastIndexOf('/') + 1));
  const naming = references.filter(isCalled);
  const own = problems.filter(({ subject }) => subject !== undefined && isCalled(subject));
  if (naming.length + own.length === 0) return undefined;
  const images = new Set(naming.flatMap(({ image }) => image ?? []));
  return {
    kind: 'unit',
    unit: asked,
    images: Array.from(images, (image) => whyOf(image, naming, situation)),
    problems: own,
  };
}

/**
 * The full name that a user means by a text. If units of the root write the same, it means what
 * it means to them: docker and podman can read one short name as two images.
 */
async function nameMeantIn(
  raw: string,
  references: readonly BoundReference[],
  root: Root,
): Promise<string> {
  const meanings = new Map<string, BoundReference>();
  for (const reference of references) {
    if (reference.raw === raw && reference.image !== undefined) {
      meanings.set(reference.image, reference);
    }
  }
  if (meanings.size > 1) {
    const said = Array.from(meanings, ([image, { unit }]) => `${image} (${unit})`);
    throw new HostError(
      'ambiguous-short-name',
      `expected a name with one meaning, found ${JSON.stringify(raw)}, by which units of the root mean ${said.join(' and ')}`,
      'write the full name',
    );
  }
  const [meant] = meanings.keys();
  if (meant !== undefined) return meant;
  const [name = raw] = await namesMeantBy([raw], root);
  return name;
}
