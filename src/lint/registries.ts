import type { Binding } from '../binding/bindings.ts';
import type { Survey } from '../binding/survey.ts';
import type { BerthError } from '../common/errors.ts';
import { LOOKUPS_AT_A_TIME, tryLimited } from '../common/limited.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import type { Context } from '../lifecycle/context.ts';
import { lookUp } from '../lifecycle/look-up.ts';
import type { Registry } from '../registry/registry.ts';
import { findingAt, type LintFinding } from './finding.ts';
import type { LintCode } from './rules.ts';

/** The answers of the registries: an image for each name, or a finding at each place of the name. */
export interface Asked {
  readonly images: ReadonlyMap<string, ResolvedImage>;
  readonly findings: readonly LintFinding[];
}

/** Asks the registries for every image that the root names, bound or not, in the way of a stage. */
export async function askRegistries(
  { report, signal }: Pick<Context, 'report' | 'signal'>,
  registry: Registry,
  survey: Survey,
  bindings: readonly Binding[],
): Promise<Asked> {
  const images = new Map<string, ResolvedImage>();
  const places = Map.groupBy(survey.references, ({ image }) => image);
  const work = async (binding: Binding) => {
    // An unreadable lock is a finding of its own. The name is looked up without the lock.
    const { lockProblem: _, ...asked } = binding;
    const { image } = await lookUp({ signal }, registry, asked);
    images.set(binding.name, image);
    report({ event: 'resolved', name: binding.name, digest: image.digest });
  };
  const { failures } = await tryLimited(bindings, LOOKUPS_AT_A_TIME, signal, work);
  const findings = failures.flatMap(({ name, error }) =>
    (places.get(name) ?? []).map(
      (reference): LintFinding => ({
        ...findingAt(reference, codeOf(error), error),
        ...(error.code === 'lock-file' ? { code: 'lock-file' } : {}),
      }),
    ),
  );
  return { images, findings };
}

/** A registry may answer alike for private and missing images, so both get one code. */
function codeOf({ code, kind }: BerthError): LintCode {
  if (code === 'no-platform') return 'no-platform';
  return kind === 'failed' ? 'missing-image' : 'not-checked';
}

/** The total size of the bound images. A blob that several images share counts once. */
export function sizeFindings(
  { images }: Asked,
  bound: readonly Binding[],
  maxSize: number | undefined,
): { readonly bytes: number; readonly findings: readonly LintFinding[] } {
  const blobs = new Map<string, number>();
  for (const { name } of bound) {
    for (const { digest, size } of images.get(name)?.blobs ?? []) blobs.set(digest, size);
  }
  const bytes = [...blobs.values()].reduce((sum, size) => sum + size, 0);
  if (maxSize === undefined || bytes <= maxSize) return { bytes, findings: [] };
  const finding: LintFinding = {
    code: 'total-size',
    level: 'error',
    message: `the bound images take ${bytes} bytes together, compressed; ${maxSize} are allowed`,
    hint: 'bind fewer images, make them smaller, or raise --max-size',
  };
  return { bytes, findings: [finding] };
}
