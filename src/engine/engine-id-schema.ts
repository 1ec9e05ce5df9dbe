import { custom } from 'valibot';
import { type EngineId, isEngineId } from '../common/engine-id.ts';

/** The id of an engine in files and JSON. `scripts/schemas.ts` writes it as a text with a pattern. */
export const EngineIdText = custom<EngineId>(isEngineId, 'expected the id of an engine');
