import type { BaseIssue, BaseSchema } from 'valibot';
import { type ApiOptions, HttpApi } from '../../http/api.ts';
import { parseReply } from '../../http/parse-reply.ts';
import { podmanFailures, unreachable } from './failure.ts';

/** Accepted by every podman from 4.0 to 6.0. */
const PREFIX = '/v4.0.0/libpod';

/** podman's REST API on a unix socket: docs.podman.io/en/latest/_static/api.html. */
export class PodmanApi extends HttpApi {
  constructor(socket: string, options: Omit<ApiOptions, 'prefix'> = {}) {
    super(socket, podmanFailures, { ...options, prefix: PREFIX });
  }

  /**
   * The version of the podman that answers.
   *
   * @param timeout in milliseconds.
   * @throws {EngineError} `engine-unreachable`
   */
  async ping(timeout: number): Promise<string> {
    const { status, headers } = await this.head({ method: 'GET', path: '/_ping' }, timeout);
    const version = headers['libpod-api-version'];
    if (status === 200 && typeof version === 'string') return version;
    throw unreachable(this.socket, `/_ping answered ${status}, not as podman does`);
  }
}

/** Parses a reply's JSON. If its shape is not as expected, the error says where. */
export function parse<T>(
  schema: BaseSchema<unknown, T, BaseIssue<unknown>>,
  text: string,
  path: string,
): T {
  return parseReply(podmanFailures, schema, text, path);
}
