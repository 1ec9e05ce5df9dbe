import { BerthError } from '../../common/errors.ts';
import { accessOf, type Source, signaturesBeside } from '../../engine/source.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Context } from '../context.ts';

/**
 * The signatures that an image takes along to a place without a network, as files: those that lie beside its
 * bytes, or else all that registries.d leads to. The policy there may ask for signatures although the policy
 * here does not, so a place that can't be asked is a warning.
 */
export async function signaturesOf(
  { signal, report }: Pick<Context, 'signal' | 'report'>,
  registry: Registry,
  image: Pick<ResolvedImage, 'name' | 'manifest'>,
  source: Source,
): Promise<readonly Buffer[]> {
  try {
    const beside = signaturesBeside(source, image);
    if (beside.length > 0 || source.from === 'layout') return beside;
    return await registry.signatures(image, accessOf(source), signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof BerthError)) throw error;
    const { name } = image;
    const message = `${name} goes without signatures, which could not be looked up: ${error.message}`;
    report({ event: 'warning', code: 'signatures-unknown', name, message });
    return [];
  }
}
