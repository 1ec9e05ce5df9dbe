import { RootError } from '../../../root/root.ts';
import type { Placement } from '../../engines/placement.ts';
import { podRuntime } from '../../kubernetes/runtime.ts';
import type { ContainerCommand } from '../read-command.ts';
import type { ServiceContext, ServicePlace } from '../service-place.ts';
import { optionOf, variableOf } from './setting.ts';

/**
 * The engine that crictl asks: at the endpoint of its options, its variables or /etc/crictl.yaml, else the
 * one that the node has.
 *
 * Source: cri-tools, docs/crictl.md.
 */
export function crictlEngine(
  command: ContainerCommand,
  place: ServicePlace,
  context: ServiceContext,
): Placement {
  const setting =
    optionOf('image-endpoint', command) ??
    optionOf('runtime-endpoint', command) ??
    variableOf('IMAGE_SERVICE_ENDPOINT', command, place, context) ??
    variableOf('CONTAINER_RUNTIME_ENDPOINT', command, place, context);
  const path = `${context.etc}/crictl.yaml`;
  const configured = setting === undefined ? configuredEndpoint(path, context) : undefined;
  if (configured !== undefined) return podRuntime({ path, text: configured }, context);
  if (setting === undefined) return podRuntime(undefined, context);
  const { text = '', fault } = setting;
  return podRuntime({ path: place.entry.path, text, ...(fault ? { fault } : {}) }, context);
}

/** The endpoint in crictl.yaml, which is flat: a line for each key. */
function configuredEndpoint(path: string, { root }: ServiceContext): string | undefined {
  try {
    const text = root.readFile(path)?.content.toString() ?? '';
    const image = /^image-endpoint:[ \t]*["']?([^"'\s#]+)/m.exec(text)?.[1];
    return image ?? /^runtime-endpoint:[ \t]*["']?([^"'\s#]+)/m.exec(text)?.[1];
  } catch (error) {
    if (error instanceof RootError) return undefined;
    throw error;
  }
}
