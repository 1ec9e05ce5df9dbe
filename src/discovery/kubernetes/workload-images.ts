import type { Fault } from '../fault.ts';
import type { PullPolicy } from '../reference.ts';

export interface WorkloadImages {
  readonly images: readonly {
    readonly raw: string;
    readonly line: number;
    readonly key: string;
    readonly policy: PullPolicy;
  }[];
  readonly faults: readonly (Fault & { readonly line?: number })[];
}

/** The images that the workloads of a YAML file name. */
export function workloadImages(
  text: string,
  _options: { readonly player: 'podman' | 'kubelet' },
): Promise<WorkloadImages> {
  const images = text.split('\n').flatMap((line, at) => {
    const raw = /^[\s-]*image:\s*(\S+)\s*$/.exec(line)?.[1];
    return raw === undefined
      ? []
      : [{ raw, line: at + 1, key: 'image', policy: 'missing' as const }];
  });
  return Promise.resolve({ images, faults: [] });
}
