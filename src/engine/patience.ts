import { type EngineId, engineParts } from '../common/engine-id.ts';
import { EngineError } from './errors.ts';

/**
 * In milliseconds: how long another user's podman, or an engine without images on record, may take to tell about itself
 * or to list what it has. A list of 10,000 images takes a few seconds. Boots and shutdowns wait for the answer, and
 * their units end after 30 s or more.
 */
const PATIENCE = 20_000;

/**
 * The result of a question to an engine that must not hold up others.
 *
 * @throws {EngineError} `engine-failed` if there is no answer in time.
 */
export async function inTime<T>(id: EngineId, answer: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const message = `${id} did not answer within ${PATIENCE / 1000} s`;
  const { kind, user } = engineParts(id);
  const whose = user === undefined ? '' : ' as that user';
  const hint = `see whether ${kind} lists its images${whose}`;
  const tooLate = () => reject(new EngineError('engine-failed', message, { hint }));
  const timer = setTimeout(tooLate, PATIENCE).unref();
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}
