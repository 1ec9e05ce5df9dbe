import type { Service } from '../../../src/systemctl/services.ts';

/** A service that runs, as far as nothing else is said of it. */
export function serviceNamed(unit: string, more: Partial<Service> = {}): Service {
  return {
    unit,
    names: [unit],
    loaded: true,
    state: 'active',
    invocation: '1',
    type: 'notify',
    stale: false,
    after: [],
    command: '',
    preparations: [],
    ...more,
  };
}
