import type { Field, Service } from './fields.ts';
import type { Projects } from './project.ts';

/** An image besides that of the service's own container, and the key that names it. */
export interface AttachedImage {
  readonly key: string;
  readonly field: Field;
}

/** The images that a service mounts as volumes, and those in which its hooks run. */
export function attachedImages(service: Service, projects: Projects): readonly AttachedImage[] {
  const hooks = ['pre_start', 'post_start', 'pre_stop'].flatMap((key) =>
    itemsOf(service, key).flatMap(({ value, ...place }) => {
      const image = value.entries?.get('image');
      return image === undefined ? [] : [{ key, field: { ...place, value: image } }];
    }),
  );
  return [...mountedImages(service, projects), ...hooks];
}

/** A later mount with the same target replaces an earlier one. */
function mountedImages(service: Service, projects: Projects): readonly AttachedImage[] {
  const byTarget = new Map<string, AttachedImage | undefined>();
  for (const { value, ...place } of itemsOf(service, 'volumes')) {
    const text = (key: string) =>
      projects.variables.text(value.entries?.get(key), place.path, service.environment);
    // The short form (`SOURCE:TARGET:OPTIONS`) never names an image.
    const short = value.text?.split(':');
    const target = text('target') ?? short?.[1] ?? short?.[0] ?? '';
    const source = value.entries?.get('source');
    const isImage = text('type') === 'image' && source !== undefined;
    const image = isImage ? { key: 'volumes', field: { ...place, value: source } } : undefined;
    byTarget.set(target, image);
  }
  return [...byTarget.values()].filter((image) => image !== undefined);
}

function itemsOf({ fields }: Service, key: string): readonly Field[] {
  return (fields.get(key) ?? []).flatMap(({ value, ...place }) =>
    (value.items ?? []).map((item) => ({ ...place, value: item })),
  );
}
