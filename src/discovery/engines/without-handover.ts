import { posix } from 'node:path';
import { type EngineGroup, type EngineId, groupOf } from '../../common/engine-id.ts';
import type { SystemdUnits } from '../../systemd/systemd-unit.ts';

/** The services with the commands that hand waiting images over at the boot, as berth's packages and drop-ins have them. */
const SERVICES: Readonly<Record<EngineGroup, readonly string[]>> = {
  system: ['berth-activate'],
  users: ['berth-activate-users'],
  docker: ['docker'],
  containerd: ['containerd', 'berth-activate-kubernetes'],
  crio: ['crio'],
};

/**
 * The groups of these engines to which no unit of a root hands images at the boot: the root lacks berth, or berth's
 * drop-in of the engine's service.
 */
export function withoutHandover(
  engines: Iterable<EngineId>,
  units: Pick<SystemdUnits, 'unit'>,
): readonly EngineGroup[] {
  const groups = new Set([...engines].map(groupOf));
  return [...groups].filter(
    (group) =>
      !SERVICES[group].some((name) =>
        (units.unit(`${name}.service`)?.entries ?? []).some(
          ({ key, value }) => key.startsWith('Exec') && activates(value, group),
        ),
      ),
  );
}

/** Whether a command line runs `berth activate`, for every group or for this one. */
function activates(commandLine: string, group: EngineGroup): boolean {
  const words = commandLine.split(/\s+/).map((word) => word.replace(/^[-@:+!|]+/, ''));
  const at = words.findIndex(
    (word, index) => posix.basename(word) === 'berth' && words[index + 1] === 'activate',
  );
  if (at < 0) return false;
  const option = words.indexOf('--for', at);
  return option < 0 || words[option + 1] === group;
}
