/** A file of an image, in memory. */
export type TreeNode = TreeDirectory | TreeFile | TreeLink | TreeOther;

export interface TreeDirectory {
  readonly kind: 'directory';
  layer: number;
  readonly entries: Map<string, TreeNode>;
}

export interface TreeFile {
  readonly kind: 'file';
  readonly layer: number;
  readonly size: number;
  /** Where it is a file that berth reads. */
  readonly content?: Buffer;
  /** The first bytes, of programs that tell the architecture. */
  readonly start?: Buffer;
}

export interface TreeLink {
  readonly kind: 'link';
  readonly layer: number;
  readonly target: string;
}

export interface TreeOther {
  readonly kind: 'other';
  readonly layer: number;
}

export function emptyDirectory(layer: number): TreeDirectory {
  return { kind: 'directory', layer, entries: new Map() };
}
