import type { Problem } from '../problem.ts';
import type { Found } from '../source.ts';
import type { FlagsOf } from './program-flag.ts';

/** The services of programs that are a whole Kubernetes and are not read. */
const services: Readonly<Record<string, string>> = {
  'k0scontroller.service': 'k0s',
  'k0sworker.service': 'k0s',
  'snap.microk8s.daemon-kubelite.service': 'MicroK8s',
};

/** A problem for each service of such a program: its images are not named. */
export function unreadDistributions(flagsOf: FlagsOf): Found {
  const problems = Object.entries(services).flatMap(([unit, program]): readonly Problem[] => {
    const place = flagsOf(unit)?.place;
    if (place === undefined) return [];
    const { path, line } = place;
    return [
      {
        code: 'kube-unread',
        path,
        line,
        message: `expected k3s, rke2, MicroShift or a kubelet, found ${program}, whose images berth does not read`,
        hint: 'list its images in images.d, or leave the unit unbound',
        subject: { unitPath: path, unit },
      },
    ];
  });
  return { references: [], problems };
}
