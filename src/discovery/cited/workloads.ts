import { onceFor } from '../../common/once-for.ts';
import { workloadImages } from '../kubernetes/workload-images.ts';
import type { CitedText } from './text.ts';

/** The images in the manifests of a file that podman plays, parsed once for all units that cite the file. */
export const citedWorkloads = onceFor(({ text }: CitedText) =>
  workloadImages(text, { player: 'podman' }),
);
