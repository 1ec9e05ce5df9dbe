/**
 * The name of the drop-in by which berth pins images in CRI-O. It sorts after the names that people and
 * programs choose.
 */
export const CRIO_DROP_IN = 'zz-berth-pinned-images.conf';
