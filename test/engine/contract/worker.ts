// Makes one call of the embedded store in a process of its own, so that the suite can kill it.
import { join } from 'node:path';
import { openHostRegistry } from '../../../src/registry/host.ts';
import { openStore } from '../../../src/store/store.ts';
import { make } from './calls.ts';
import type { Call } from './tested-engine.ts';

const [directory = '', call = ''] = process.argv.slice(2);
const registry = await openHostRegistry(process.env, () => undefined);
const engine = openStore({ directory: join(directory, 'state/store'), registry });
await make(engine, JSON.parse(call) as Call);
registry.close();
