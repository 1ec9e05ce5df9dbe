import { counted } from '../../common/counted.ts';
import { BerthError } from '../../common/errors.ts';
import { accessOf, type Source, signaturesBeside } from '../../engine/source.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import { isLongEnough } from '../../oci/signatures.ts';
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
  const { name } = image;
  try {
    const beside = signaturesBeside(source, image);
    const isEnough = beside.length > 0 || source.from === 'layout';
    const found = isEnough ? beside : await registry.signatures(image, accessOf(source), signal);
    const kept = found.filter(isLongEnough);
    const short = found.length - kept.length;
    if (short > 0) {
      const message = `${name} goes without ${counted(short, 'file')} too short for a signature`;
      report({ event: 'warning', code: 'signatures-left-out', name, message });
    }
    return kept;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof BerthError)) throw error;
    const message = `${name} goes without signatures, which could not be looked up: ${error.message}`;
    report({ event: 'warning', code: 'signatures-unknown', name, message });
    return [];
  }
}
