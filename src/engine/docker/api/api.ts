import type { BaseIssue, BaseSchema } from 'valibot';
import { HttpApi } from '../../http/api.ts';
import { parseReply } from '../../http/parse-reply.ts';
import { dockerFailures } from './failure.ts';
import { versionReply } from './replies.ts';

/** docker's Engine API on a unix socket: docs.docker.com/reference/api/engine/. */
export type DockerApi = HttpApi;

/** A docker that answers. */
export interface Connection {
  readonly api: DockerApi;
  /** The version of the program. */
  readonly version: string;
}

/** The newest version of the API that berth was tested with, that of docker 28.5. */
const NEWEST = 51;

/**
 * Connects, and agrees on a version of the API: the newest that both know. docker 29 refuses what is older
 * than 1.44, and docker 20.10 what is newer than 1.41.
 *
 * @throws {EngineError} `engine-unreachable`
 */
export async function connectToDocker(socket: string): Promise<Connection> {
  const asked = new HttpApi(socket, dockerFailures);
  try {
    const call = { method: 'GET', path: '/version' } as const;
    const { Version, ApiVersion } = await asked.json(versionReply, call);
    const minor = /^1\.(\d{1,4})$/.exec(ApiVersion)?.[1];
    if (minor === undefined) {
      throw dockerFailures.badReply('/version', `its API version is ${JSON.stringify(ApiVersion)}`);
    }
    const prefix = `/v1.${Math.min(Number(minor), NEWEST)}`;
    return { api: new HttpApi(socket, dockerFailures, { prefix }), version: Version };
  } finally {
    asked.close();
  }
}

/** Parses a reply's JSON. If its shape is not as expected, the error says where. */
export function parse<T>(
  schema: BaseSchema<unknown, T, BaseIssue<unknown>>,
  text: string,
  path: string,
): T {
  return parseReply(dockerFailures, schema, text, path);
}
