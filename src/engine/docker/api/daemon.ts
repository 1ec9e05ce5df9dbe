import type { Ids } from '../images/ids.ts';
import type { DockerApi } from './api.ts';
import type { LatestSettings } from './settings.ts';

/** An open docker, and how it keeps images. */
export interface Daemon {
  readonly api: DockerApi;
  readonly settings: LatestSettings;
  readonly ids: Ids;
}
