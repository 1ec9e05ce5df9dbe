import { EngineError } from '../../errors.ts';

/**
 * What a podman without root says if the process that keeps the namespaces of its user (`podman pause`) is just ending:
 * pause.pid still names the process, whose namespaces can't be joined any more. Such a process ends with the unit of the
 * podman that left it behind, and the next podman makes another (podman 4.3.1, 5.4.2). podman says the same of every other
 * fault of the namespaces.
 */
const MAY_PASS = 'invalid internal status';

/** How often a service is started until the fault counts as one that stays. */
const STARTS = 5;

/** Starts a service, and again if podman has only missed the namespaces of its user. */
export async function startedAgain<Started>(start: () => Promise<Started>): Promise<Started> {
  for (let left = STARTS - 1; ; left -= 1) {
    try {
      return await start();
    } catch (error) {
      const mayPass = error instanceof EngineError && error.message.includes(MAY_PASS);
      if (!mayPass || left === 0) throw error;
    }
  }
}
